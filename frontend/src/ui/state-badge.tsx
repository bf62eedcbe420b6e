import type { StateLook } from "./run-states";
import classes from "./state-badge.module.css";

/** Icon, word and colour of a state: `<StateBadge look={RUN_STATES[run.state]} />`. */
export function StateBadge({ look, bare = false }: { look: StateLook; bare?: boolean }) {
  const Icon = look.icon;
  return (
    <span className={classes.badge} style={{ color: look.colour }}>
      <Icon size={bare ? 16 : 14} aria-hidden={!bare} aria-label={bare ? look.word : undefined} className={look.word === "running" ? classes.breathes : undefined} />
      {bare ? null : <span>{look.word}</span>}
    </span>
  );
}
