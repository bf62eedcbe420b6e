import { ActionIcon, Button, Group, Kbd, Text } from "@mantine/core";
import { IconPencil } from "@tabler/icons-react";
import type { Side, Verdict } from "@/api/playground";
import classes from "./playground.module.css";
import { surprise, textOf, wantsVote, type Reply, type Turn } from "./turns";

const REASONS: Record<string, string> = { stop: "", length: "cut at the longest answer", cancelled: "stopped" };
const VERDICTS: { verdict: Verdict; key: string; label: string }[] = [
  { verdict: "a", key: "a", label: "A is better" }, { verdict: "b", key: "b", label: "B is better" }, { verdict: "tie", key: "t", label: "Tie" }, { verdict: "bad", key: "x", label: "Both bad" },
];

interface Props { turn: Turn; tint: boolean; onVote: (verdict: Verdict) => void; onEdit?: () => void }

/** A question and its answers, side by side where there are two. */
export function TurnView({ turn, tint, onVote, onEdit }: Props) {
  const two = turn.sides.length === 2;
  return (
    <article className={classes.turn} aria-label={`Question: ${turn.question.slice(0, 60)}`}>
      <div className={classes.question}>
        <span>{turn.question}</span>
        {onEdit ? <ActionIcon size={24} aria-label="Edit and ask again" onClick={onEdit}><IconPencil size={16} /></ActionIcon> : null}
      </div>
      <div className={two ? `${classes.sides} ${classes.two}` : classes.sides}>
        {turn.sides.map((side) => <ReplyView key={side} side={side} name={nameOf(turn, side, two)} reply={turn.replies[side]} tint={tint} won={turn.verdict === side} />)}
      </div>
      {wantsVote(turn) ? (
        <Group gap={8} role="group" aria-label="Which answer is better?">
          {VERDICTS.map(({ verdict, key, label }) => <Button key={verdict} variant="default" size="compact-sm" rightSection={<Kbd size="xs">{key}</Kbd>} onClick={() => onVote(verdict)}>{label}</Button>)}
        </Group>
      ) : null}
      {turn.verdict ? <Text size="xs" c="dimmed">{VERDICTS.find((one) => one.verdict === turn.verdict)?.label}{turn.blind ? `. A was ${turn.names.a}, B was ${turn.names.b}.` : "."}</Text> : null}
    </article>
  );
}

function nameOf(turn: Turn, side: Side, two: boolean): string {
  const letter = two ? `${side.toUpperCase()}${turn.names[side] ? " · " : ""}` : "";
  return `${letter}${turn.names[side]}`;
}

function ReplyView({ side, name, reply, tint, won }: { side: Side; name: string; reply: Reply; tint: boolean; won: boolean }) {
  const live = reply.state === "waiting" || reply.state === "writing";
  const note = reply.state === "waiting" ? "waiting for the model" : reply.firstSeconds === null ? "" : `first token ${Math.round(reply.firstSeconds * 1000)} ms`;
  return (
    <section className={classes.reply} data-won={won} data-side={side} data-state={reply.state} aria-label={`Answer ${side.toUpperCase()}`} aria-busy={live}>
      <div className={classes.head}><span>{name}</span><span>{[note, REASONS[reply.reason]].filter(Boolean).join(" · ")}</span></div>
      <p className={classes.said}>
        {tint ? reply.tokens.map((token, place) => <span key={place} data-surprise={surprise(token.logprob)} title={token.logprob === null ? undefined : `p ${Math.exp(token.logprob).toFixed(3)}`}>{token.text}</span>) : textOf(reply)}
        {reply.state === "done" && !textOf(reply) ? <Text span c="dimmed">The model said nothing.</Text> : null}
      </p>
      {reply.state === "failed" ? <Text c="var(--ls-bad)" role="alert">{reply.error}</Text> : null}
    </section>
  );
}
