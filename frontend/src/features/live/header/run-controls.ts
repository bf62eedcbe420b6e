import type { Run, RunState } from "@/api/shapes";

/** What the state of a run lets a person do, and why not: the same table as the server's. */
export interface Allowed {
  ok: boolean;
  why: string;
}

const EXECUTED: RunState[] = ["starting", "running", "paused"];

const STATES: Record<"pause" | "resume" | "stop" | "cancel" | "checkpoint" | "sample" | "set" | "retry", RunState[]> = {
  pause: ["starting", "running"],
  resume: ["paused"],
  stop: EXECUTED,
  cancel: ["draft", "queued", ...EXECUTED],
  checkpoint: EXECUTED,
  sample: EXECUTED,
  set: EXECUTED,
  retry: ["failed", "cancelled"],
};

export type Deed = keyof typeof STATES;

export function allowed(run: Pick<Run, "state" | "desired">, deed: Deed, canEdit: boolean): Allowed {
  if (!canEdit) return { ok: false, why: "Viewers may watch; ask an owner for the editor role." };
  if (!STATES[deed].includes(run.state)) return { ok: false, why: reason(run.state, deed) };
  if (deed === "stop" && run.desired === "stop") return { ok: false, why: "Stopping already: a checkpoint is being kept." };
  return { ok: true, why: "" };
}

/** "Pausing…" while a wish waits for the end of the step. */
export function pending(run: Pick<Run, "state" | "desired">): string {
  if (!EXECUTED.includes(run.state)) return "";
  if (run.desired === "pause" && run.state !== "paused") return "Pausing at the end of this step";
  if (run.desired === "stop") return "Stopping, keeps a checkpoint";
  if (run.desired === "cancel") return "Cancelling";
  if (run.desired === "run" && run.state === "paused") return "Resuming";
  return "";
}

function reason(state: RunState, deed: Deed): string {
  if (state === "queued" || state === "draft") return "The run has not started yet.";
  if (deed === "retry") return "Only a failed or cancelled run is tried again.";
  return `The run has ${state === "succeeded" ? "finished" : state}.`;
}
