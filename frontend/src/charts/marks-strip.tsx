import { Tooltip } from "@mantine/core";
import classes from "./chart.module.css";

export interface StripMark {
  kind: "checkpoint" | "change" | "resume" | "alert";
  x: number;
  text: string;
  key: string | number;
}

const SIGN: Record<StripMark["kind"], string> = { checkpoint: "◆", change: "▲", resume: "⟳", alert: "!" };

/** What happened along the x axis: ◆ checkpoint ▲ change ⟳ resume ! alert. Marks in one place are gathered into one. */
export function MarksStrip({ marks, range, onPick }: { marks: StripMark[]; range: [number, number] | null; onPick: (x: number) => void }) {
  const placed = range ? gather(marks, range) : [];
  return (
    <div className={classes.strip} role="group" aria-label="What happened, along the x axis">
      {placed.map(({ left, members }) => {
        const newest = members[members.length - 1] as StripMark;
        const text = members.map((mark) => mark.text).join(" · ");
        return (
          <Tooltip key={newest.key} label={text} withArrow>
            <button type="button" className={classes.mark} data-kind={newest.kind} style={{ left: `${left}%` }} aria-label={text} onClick={() => onPick(newest.x)}>
              {SIGN[newest.kind]}
            </button>
          </Tooltip>
        );
      })}
    </div>
  );
}

/** Percent along the strip for each group of marks nearer than 1.2 % to one another. */
export function gather(marks: StripMark[], [low, high]: [number, number]): { left: number; members: StripMark[] }[] {
  const groups: { left: number; members: StripMark[] }[] = [];
  for (const mark of [...marks].sort((a, b) => a.x - b.x)) {
    const left = ((mark.x - low) / (high - low || 1)) * 100;
    if (!(left >= 0 && left <= 100)) continue;
    const last = groups[groups.length - 1];
    if (last && left - last.left < 1.2) last.members.push(mark);
    else groups.push({ left, members: [mark] });
  }
  return groups;
}
