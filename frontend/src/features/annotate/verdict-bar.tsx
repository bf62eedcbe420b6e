import { Button, Kbd } from "@mantine/core";
import type { Verdict } from "@/api/shapes";
import classes from "./annotate.module.css";
import { choicesOf } from "./verdicts";

interface Props { campaign: { allow_tie: boolean; allow_both_bad: boolean }; disabled?: boolean; onVerdict?: (verdict: Verdict, words: string) => void }

/** The verdicts from left to right, each with its key. On a phone they stand where the thumb is. */
export function VerdictBar({ campaign, disabled = false, onVerdict }: Props) {
  return (
    <div className={classes.verdicts} role="group" aria-label="Which is better">
      {choicesOf(campaign).map(({ verdict, key, label, short }) => (
        <Button key={verdict} variant="default" className={classes.verdict} disabled={disabled} aria-keyshortcuts={key} title={label} onClick={() => onVerdict?.(verdict, label)}>
          <span className={classes.verdictWords}>{short}</span> <Kbd size="xs" aria-hidden className={classes.key}>{key}</Kbd>
        </Button>
      ))}
    </div>
  );
}
