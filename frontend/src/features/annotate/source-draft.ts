import type { CampaignSource } from "@/api/shapes";

/** The form's fields for all kinds of sources, so that a change of kind loses nothing. */
export interface SourceDraft {
  kind: "dataset" | "samples" | "rollouts";
  versionId: string; split: string; columns: string;
  artifactIds: string[]; pair: "within" | "between";
  runId: string; stepFrom?: number; stepTo?: number;
  perPrompt: number;
}

export function startingSource(given: { version?: string; run?: string; from?: number; to?: number; artifact?: string }): SourceDraft {
  return {
    kind: given.run ? "rollouts" : given.artifact ? "samples" : "dataset",
    versionId: given.version ?? "", split: "train", columns: "",
    artifactIds: given.artifact ? [given.artifact] : [], pair: "within",
    runId: given.run ?? "", stepFrom: given.from, stepTo: given.to,
    perPrompt: 1,
  };
}

/** What the API is asked for; null while the source is not chosen. */
export function sourceOf(draft: SourceDraft): CampaignSource | null {
  if (draft.kind === "dataset") {
    const columns = draft.columns.split(",").map((name) => name.trim()).filter(Boolean);
    return draft.versionId ? { kind: "dataset", version_id: draft.versionId, split: draft.split, columns: columns.length === 2 ? columns : undefined } : null;
  }
  if (draft.kind === "samples") return draft.artifactIds.length > 0 ? { kind: "samples", artifact_ids: draft.artifactIds, pair: draft.pair, per_prompt: draft.perPrompt } : null;
  return draft.runId ? { kind: "rollouts", run_id: draft.runId, step_from: draft.stepFrom, step_to: draft.stepTo, per_prompt: draft.perPrompt } : null;
}
