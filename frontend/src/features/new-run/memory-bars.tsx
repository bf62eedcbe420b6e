import type { MemoryEstimate } from "@/api/shapes";
import { formatBytes } from "@/ui/numbers";
import classes from "./memory-bars.module.css";

const PARTS = [
  ["weights", "var(--ls-accent)"],
  ["gradients", "var(--ls-paused)"],
  ["optimizer", "var(--ls-live)"],
  ["activations", "var(--ls-warn)"],
  ["rollouts", "var(--ls-ok)"],
] as const;

/** The estimated peak, split into its parts, against what is free. */
export function MemoryBars({ memory }: { memory: MemoryEstimate }) {
  const full = Math.max(memory.available ?? 0, memory.total, 1);
  const over = memory.available !== null && memory.total > memory.available;
  const parts = PARTS.filter(([name]) => memory[name] > 0);
  return (
    <div>
      <div className={classes.head}>
        <span>Memory</span>
        <span style={{ color: over ? "var(--ls-bad)" : undefined }}>{formatBytes(memory.total)}{memory.available === null ? "" : ` of ${formatBytes(memory.available)}`}</span>
      </div>
      <div className={classes.bar} role="img" aria-label={parts.map(([name]) => `${name} ${formatBytes(memory[name])}`).join(", ")}>
        {parts.map(([name, colour]) => <span key={name} style={{ width: `${(memory[name] / full) * 100}%`, background: colour }} />)}
      </div>
      <ul className={classes.legend}>
        {parts.map(([name, colour]) => <li key={name}><i style={{ background: colour }} /> {name} <b>{formatBytes(memory[name])}</b></li>)}
      </ul>
    </div>
  );
}
