import type { Checkpoint, HistoryEntry } from "@/api/run";
import type { Run } from "@/api/shapes";

/** "The engine was ended from outside by SIGKILL. Try 2 of 5: " + "… Try 2 of 5 in 1 s." without what it printed last, which the log has. */
const REASON = /^(.*?)(?: Last it printed: .*)? Try (\d+) of (\d+)(?: in [\d.]+ s\.)?$/s;

type Tried = Pick<Run, "attempt"> & { attempts: Pick<Run["attempts"][number], "number" | "resumed_from">[] };

/** What ended the try before this one and where the run goes on; empty when the first try is still the only one. */
export function recoveryText(run: Tried, history: HistoryEntry[], checkpoints: Pick<Checkpoint, "id" | "step">[]): string {
  const back = history.findLast((entry) => entry.to === "queued" && entry.attempt > 0 && entry.attempt >= run.attempt - 1 && !["failed", "cancelled"].includes(entry.from));
  if (!back) return "";
  const [, cause = back.reason, number, most] = REASON.exec(back.reason) ?? [];
  if (number === undefined) return cause;
  const now = run.attempts.find((attempt) => attempt.number === run.attempt && attempt.number > back.attempt);
  const from = now ? checkpoints.find((one) => one.id === now.resumed_from)?.step : checkpoints.reduce<number | undefined>((newest, one) => Math.max(newest ?? 0, one.step), undefined);
  const verb = now ? "Started" : "Starts";
  return `${cause} ${verb} again from ${from === undefined ? "the beginning" : `step ${from}`}, restart ${number} of ${most}.`;
}
