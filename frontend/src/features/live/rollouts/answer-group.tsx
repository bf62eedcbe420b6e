import { Group, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Rollout } from "@/api/run";
import type { Run } from "@/api/shapes";
import { formatNumber } from "@/ui/numbers";
import { AnswerCard } from "./answer-card";
import classes from "./rollouts.module.css";

interface Props {
  run: Run;
  rollout: Rollout;
  compact?: boolean;
  picked?: number;
  /** The answer that the picked one is compared with. */
  other?: number;
  onPick?: (index: number) => void;
  onOther?: (index: number) => void;
  /** Stands between the prompt and its answers. */
  children?: ReactNode;
}

/** Answers of at most this many signs stand closer together. */
const SHORT = 60;

/** A prompt and the group of answers to it, side by side. */
export function AnswerGroup({ run, rollout, compact = false, picked, other, onPick, onOther, children }: Props) {
  const short = rollout.answers.every((answer) => answer.text.length <= SHORT);
  return (
    <section aria-label={`Prompt of step ${rollout.step}, ${typeof rollout.row === "number" ? `row ${rollout.row}` : `event ${rollout.cursor}`}`} style={compact ? { marginBottom: 24 } : undefined}>
      <Group justify="space-between" mb={4} gap={8}>
        <Text size="xs" c="dimmed">
          step {rollout.step}{typeof rollout.row === "number" && ` · row ${rollout.row}`} · mean reward {formatNumber(rollout.reward, 3)} · {rollout.answers.length} answers
        </Text>
        {compact && (
          <Link to="/p/$projectId/runs/$runId/rollouts" params={{ projectId: run.project_id, runId: run.id }} search={{ ro: rollout.cursor }} style={{ color: "var(--ls-accent)", fontSize: 12 }}>
            Tokens
          </Link>
        )}
      </Group>
      <pre className={classes.prompt} dir="auto">{rollout.prompt}</pre>
      {rollout.reference_answer && <Text size="xs" mt={4}><Text span c="dimmed" size="xs">expected </Text><bdi>{rollout.reference_answer}</bdi></Text>}
      {children}
      <div className={short ? classes.shortAnswers : classes.answers}>
        {rollout.answers.map((answer, index) => (
          <AnswerCard key={index} answer={answer} index={index} picked={picked === index} other={other === index} onPick={onPick ? () => onPick(index) : undefined} onOther={onOther && other !== undefined && picked !== index ? () => onOther(index) : undefined} />
        ))}
      </div>
    </section>
  );
}
