import {
  IconBan, IconCircle, IconCircleCheck, IconCircleDashed, IconCircleHalf2, IconCircleX, IconPlayerPauseFilled, IconPlayerPlayFilled, type Icon,
} from "@tabler/icons-react";
import type { JobState, RunState } from "@/api/shapes";

export interface StateLook { word: string; icon: Icon; colour: string; mark: string }

/** How each state is shown: icon, word and colour together, never colour alone. `mark` is for titles. */
export const RUN_STATES: Record<RunState, StateLook> = {
  draft: { word: "draft", icon: IconCircleDashed, colour: "var(--ls-muted)", mark: "◌" },
  queued: { word: "queued", icon: IconCircle, colour: "var(--ls-muted)", mark: "○" },
  starting: { word: "starting", icon: IconCircleHalf2, colour: "var(--ls-live)", mark: "◔" },
  running: { word: "running", icon: IconPlayerPlayFilled, colour: "var(--ls-live)", mark: "▶" },
  paused: { word: "paused", icon: IconPlayerPauseFilled, colour: "var(--ls-paused)", mark: "‖" },
  succeeded: { word: "succeeded", icon: IconCircleCheck, colour: "var(--ls-ok)", mark: "✓" },
  failed: { word: "failed", icon: IconCircleX, colour: "var(--ls-bad)", mark: "✕" },
  cancelled: { word: "cancelled", icon: IconBan, colour: "var(--ls-muted)", mark: "⊘" },
};

/** How a run's state is shown. A run that somebody stopped succeeded as far as it was let: it says so. */
export function runLook(run: { state: RunState; desired: string }): StateLook {
  const look = RUN_STATES[run.state];
  return run.state === "succeeded" && run.desired === "stop" ? { ...look, word: "stopped" } : look;
}

export const ACTIVE_STATES: RunState[] = ["queued", "starting", "running", "paused"];

export function isActive(state: RunState): boolean {
  return ACTIVE_STATES.includes(state);
}

/** A job's or an object's state as the nearest run state, so that all wear the same signs. */
export const JOB_STATES: Record<JobState | "ready" | "refused" | "inspecting" | "ingesting", StateLook> = {
  queued: RUN_STATES.queued,
  running: RUN_STATES.running,
  inspecting: { ...RUN_STATES.running, word: "inspecting" },
  ingesting: { ...RUN_STATES.running, word: "reading" },
  succeeded: RUN_STATES.succeeded,
  ready: { ...RUN_STATES.succeeded, word: "ready" },
  failed: RUN_STATES.failed,
  refused: { ...RUN_STATES.failed, word: "refused" },
  cancelled: RUN_STATES.cancelled,
};
