import { Badge, Tooltip, UnstyledButton, VisuallyHidden } from "@mantine/core";
import type { Answer } from "@/api/run";
import { formatNumber } from "@/ui/numbers";
import { answerBadges } from "./answer-badges";
import classes from "./rollouts.module.css";

interface Props {
  answer: Answer;
  index: number;
  picked?: boolean;
  other?: boolean;
  onPick?: () => void;
  onOther?: () => void;
}

/** One answer of a group: its reward, its terms, what is odd about it. The text is the model's: shown, never run. */
export function AnswerCard({ answer, index, picked = false, other = false, onPick, onOther }: Props) {
  return (
    <article className={classes.answer} data-picked={picked} data-other={other} aria-label={`Answer ${index + 1}`}>
      <header className={classes.answerHead}>
        <span><span className={classes.meta}>reward</span> <span className={classes.reward}>{formatNumber(answer.reward, 3)}</span></span>
        {answer.advantage !== null && answer.advantage !== undefined && <span className={classes.meta}>adv {signed(answer.advantage)}</span>}
        {answerBadges(answer).map((badge) => (
          <Tooltip key={badge.word} label={badge.why}><Badge size="xs" variant="outline" color="var(--ls-warn)" tt="none">{badge.word}</Badge></Tooltip>
        ))}
        {(onPick || onOther) && (
          <span className={classes.deeds}>
            {onOther && <UnstyledButton fz={12} c="var(--ls-accent)" aria-pressed={other} onClick={onOther}>{other ? "compared" : "compare"}<VisuallyHidden> with answer {index + 1}</VisuallyHidden></UnstyledButton>}
            {onPick && <UnstyledButton fz={12} c="var(--ls-accent)" aria-pressed={picked} onClick={onPick}>{answer.tokens ? "tokens" : "pick"}<VisuallyHidden> of answer {index + 1}</VisuallyHidden></UnstyledButton>}
          </span>
        )}
      </header>
      <pre className={classes.text} dir="auto">{answer.text === "" ? " " : answer.text}</pre>
      <dl className={classes.terms}>
        {Object.entries(answer.terms).map(([term, value]) => (
          <div key={term}><dt>{term}</dt><dd>{value === null ? "n/a" : formatNumber(value, 3)}</dd></div>
        ))}
        <div><dt>tokens</dt><dd>{answer.length}</dd></div>
      </dl>
    </article>
  );
}

function signed(value: number): string {
  return value > 0 ? `+${formatNumber(value, 3)}` : formatNumber(value, 3);
}
