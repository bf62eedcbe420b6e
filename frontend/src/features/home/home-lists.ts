/** What Home shows, out of the newest runs. */

import type { RunSummary } from "@/api/shapes";
import { isActive } from "@/ui/run-states";

const DAY_MS = 86_400_000;
export interface HomeLists { needs: RunSummary[]; going: RunSummary[]; ended: RunSummary[] }

/** Needs you: failed within a day, or paused. Going: every active run that is not paused. Ended: within a day. Models that wait for chats are no work and left out. */
export function homeLists(all: RunSummary[], now: number): HomeLists {
  const runs = all.filter((run) => run.kind !== "serve");
  const recent = (run: RunSummary) => run.finished_at !== null && now - Date.parse(run.finished_at) < DAY_MS;
  const order = ["running", "starting", "queued"];
  return {
    needs: runs.filter((run) => run.state === "paused" || (run.state === "failed" && recent(run))),
    going: runs.filter((run) => isActive(run.state) && run.state !== "paused").toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state)),
    ended: runs.filter((run) => !isActive(run.state) && run.state !== "failed" && recent(run)).toSorted((a, b) => Date.parse(b.finished_at ?? "") - Date.parse(a.finished_at ?? "")),
  };
}

/** The best evaluation among runs: its name, value and run; null when none was evaluated. */
export function bestEvaluation(runs: RunSummary[]): { name: string; value: number; run: RunSummary } | null {
  let best: { name: string; value: number; run: RunSummary } | null = null;
  for (const run of runs) {
    for (const [name, value] of Object.entries(run.metrics)) {
      if (/^eval\/.*(match|accuracy|pass|correct)/.test(name) && value !== null && (best === null || value > best.value)) best = { name, value, run };
    }
  }
  return best;
}
