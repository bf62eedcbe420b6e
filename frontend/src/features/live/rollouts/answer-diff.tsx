import { ActionIcon, Text } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useMemo } from "react";
import type { Answer } from "@/api/run";
import { formatNumber, formatShare } from "@/ui/numbers";
import classes from "./rollouts.module.css";
import { likeness, wordDiff } from "@/ui/word-diff";

/** Two answers as one text: what only the first says is struck out, what only the second says is underlined. */
export function AnswerDiff({ answers, first, second, onClose }: { answers: Answer[]; first: number; second: number; onClose: () => void }) {
  const [a, b] = [answers[first], answers[second]];
  const pieces = useMemo(() => wordDiff(a?.text ?? "", b?.text ?? ""), [a, b]);
  if (!a || !b) return null;
  return (
    <section className={classes.lens} aria-label={`Answer ${first + 1} against answer ${second + 1}`}>
      <div className={classes.lensHead}>
        <strong>Answer {first + 1} → {second + 1}</strong>
        <Text size="xs" c="dimmed">reward {formatNumber(a.reward, 3)} → {formatNumber(b.reward, 3)} · {formatShare(likeness(pieces), 0)} of the words in both</Text>
        <Text size="xs" c="dimmed"><del className={classes.gone}>only {first + 1}</del> <ins className={classes.come}>only {second + 1}</ins></Text>
        <ActionIcon ml="auto" size={24} aria-label="Close the comparison" onClick={onClose}><IconX size={14} /></ActionIcon>
      </div>
      <pre className={classes.tokens} dir="auto">
        {pieces.length === 0 && <span className={classes.meta}>Both are empty.</span>}
        {pieces.map((piece, index) => (piece.kind === "same" ? piece.text : piece.kind === "gone" ? <del key={index} className={classes.gone}>{piece.text}</del> : <ins key={index} className={classes.come}>{piece.text}</ins>))}
      </pre>
    </section>
  );
}
