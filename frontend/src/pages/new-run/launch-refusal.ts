import type { Preflight } from "@/features/new-run/use-preflight";

/** Why the draft cannot be launched now; null when it can. What the check could not answer does not stand in the way. */
export function launchRefusal(draft: { missing: string[]; sound: boolean; state: Preflight["state"]; ready: boolean }): string | null {
  if (draft.missing.length > 0) return `Choose ${draft.missing.join(", ")} first.`;
  if (!draft.sound) return "Mend the marked settings first.";
  if (draft.state === "checking") return "The check of these settings is under way.";
  if (draft.state === "done" && !draft.ready) return "Mend what preflight found first.";
  return null;
}

/** Whether only the running check stands between the draft and its launch, so that a press may wait for it. */
export function launchWaits(draft: Parameters<typeof launchRefusal>[0]): boolean {
  return draft.state === "checking" && launchRefusal({ ...draft, state: "done", ready: true }) === null;
}
