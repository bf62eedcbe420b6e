import { formatNumber } from "@/ui/numbers";
import type { Kept, RunEvent } from "./events";

/** A sign on the strip above the curves. */
export interface Mark {
  kind: "checkpoint" | "change" | "resume" | "alert";
  step: number;
  time: number;
  text: string;
  cursor: number;
  /** What was changed, for a way back. */
  change?: { field: string; old: number | null; new: number | null };
}

/** What the header says of a run, as far as events tell it; the server's summary overrides it when it comes. */
export interface RunView {
  cursor: number;
  attempt: number;
  step: number;
  total: number | null;
  etaSeconds: number | null;
  doing: string;
  lastEventTime: number;
  live: Record<string, number>;
  marks: Mark[];
  checkpoints: number;
  rollouts: number;
}

export const EMPTY_VIEW: RunView = {
  cursor: 0,
  attempt: 0,
  step: 0,
  total: null,
  etaSeconds: null,
  doing: "",
  lastEventTime: 0,
  live: {},
  marks: [],
  checkpoints: 0,
  rollouts: 0,
};

/** Applies kept events in order; one already applied changes nothing. */
export function applyEvents(view: RunView, items: Kept[]): RunView {
  let next = view;
  for (const kept of items) {
    if (kept.cursor <= next.cursor) continue;
    next = { ...applyOne(noteAttempt(next, kept), kept), cursor: kept.cursor, lastEventTime: kept.event.time };
  }
  return next;
}

/** A later attempt than the first is a resume: its sign stands where its first step is known. */
function noteAttempt(view: RunView, { attempt, event, cursor }: Kept): RunView {
  if (attempt <= view.attempt) return view;
  if (view.attempt === 0) return { ...view, attempt };
  if (!("step" in event) || event.step === null) return view;
  const text = `resumed, try ${attempt}`;
  return { ...view, attempt, marks: [...view.marks, { kind: "resume", step: event.step, time: event.time, text, cursor }] };
}

function applyOne(view: RunView, { event, cursor }: Kept): RunView {
  switch (event.type) {
    case "status":
      return { ...view, doing: event.doing };
    case "progress":
      return { ...view, step: event.step, total: event.total, etaSeconds: event.eta_seconds };
    case "metrics":
      return event.step > view.step ? { ...view, step: event.step } : view;
    case "rollout":
      return { ...view, rollouts: view.rollouts + 1 };
    case "checkpoint":
      return { ...withMark(view, event, cursor), checkpoints: view.checkpoints + 1 };
    case "change":
      return { ...withMark(view, event, cursor), live: event.new === null ? view.live : { ...view.live, [event.field]: event.new } };
    case "alert":
      return withMark(view, event, cursor);
    case "done":
      return { ...view, doing: "", etaSeconds: null, step: Math.max(view.step, event.step) };
    case "failed":
      return { ...view, doing: "", etaSeconds: null };
    default:
      return view;
  }
}

function withMark(view: RunView, event: RunEvent, cursor: number): RunView {
  const mark = markOf(event, cursor, view.step);
  return mark ? { ...view, marks: [...view.marks, mark] } : view;
}

/** The sign of an event, or null when it has none. */
export function markOf(event: RunEvent, cursor: number, step: number): Mark | null {
  switch (event.type) {
    case "checkpoint":
      return { kind: "checkpoint", step: event.step, time: event.time, cursor, text: `checkpoint at step ${event.step} (${event.reason})` };
    case "change":
      return { kind: "change", step: event.step, time: event.time, cursor, change: { field: event.field, old: event.old, new: event.new }, text: `${event.field} ${formatNumber(event.old)} → ${formatNumber(event.new)}${event.by ? ` by ${event.by}` : ""}` };
    case "alert":
      return { kind: "alert", step: event.step ?? step, time: event.time, cursor, text: event.message };
    default:
      return null;
  }
}
