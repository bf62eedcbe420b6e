import type { Rollout } from "@/api/run";
import { formatNumber } from "@/ui/numbers";
import classes from "./rollouts.module.css";

const SHOWN = 120;

/** The end of a prompt, where prompts that begin alike differ. */
function ending(prompt: string): string {
  const line = prompt.trim().replace(/\s+/g, " ");
  return line.length > SHOWN ? `…${line.slice(-SHOWN)}` : line;
}

/** Prompts with the shape of their group's rewards. */
export function RolloutList({ items, open, onOpen, more }: { items: Rollout[]; open: number | undefined; onOpen: (cursor: number) => void; more: React.ReactNode }) {
  const top = Math.max(1e-9, ...items.flatMap((rollout) => rollout.answers.map((answer) => Math.abs(answer.reward ?? 0))));
  return (
    <div className={classes.list}>
      {items.map((rollout) => (
        <button type="button" key={rollout.cursor} className={classes.row} aria-current={rollout.cursor === open} onClick={() => onOpen(rollout.cursor)}>
          <span className={classes.snippet} dir="auto">{ending(rollout.prompt)}</span>
          <strong>{formatNumber(rollout.reward, 3)}</strong>
          <span className={classes.meta}>step {rollout.step}{rollout.answers.some((answer) => answer.truncated) && " · cut"}</span>
          <span className={classes.dots} aria-hidden="true">
            {rollout.answers.slice(0, 16).map((answer, index) => <i key={index} style={{ height: `${12 + 88 * (Math.max(0, answer.reward ?? 0) / top)}%`, opacity: (answer.reward ?? 0) > 0 ? 1 : 0.3 }} />)}
          </span>
        </button>
      ))}
      {more}
    </div>
  );
}
