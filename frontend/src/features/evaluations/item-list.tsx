import { Badge, Text } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import type { ComparedItem, EvaluationItem } from "@/api/shapes";
import { formatNumber } from "@/ui/numbers";
import classes from "./evaluations.module.css";
import { metricTitle, signed } from "./words";

interface Props { items: ComparedItem[]; metric: string; name: string; otherName?: string }

/** Prompts with their answers; beside another evaluation, the same question's answers there first, then here. */
export function ItemList({ items, metric, name, otherName }: Props) {
  return (
    <ol className={classes.items} aria-label="Items">
      {items.map(({ item, other, change }) => (
        <li key={item.key} className={classes.item}>
          <p className={classes.prompt} dir="auto">{item.prompt}</p>
          <Text size="xs" c="dimmed" mb={8} component="div">
            row {item.row + 1}{item.reference === null ? "" : <> · reference <code dir="auto">{item.reference}</code></>}
            {change ? <> · <Badge variant="outline" tt="none" fw={400} color={change > 0 ? "var(--ls-ok)" : "var(--ls-bad)"}>{flip(change, metric)}</Badge></> : null}
          </Text>
          <div className={classes.sides}>
            {other ? <Side item={other} name={otherName ?? ""} metric={metric} /> : null}
            <Side item={item} name={name} metric={metric} />
          </div>
        </li>
      ))}
    </ol>
  );
}

function flip(change: number, metric: string): string {
  if (metric !== "accuracy" || Math.abs(change) !== 1) return `${metricTitle(metric)} ${signed(change)}`;
  return change > 0 ? "wrong → right" : "right → wrong";
}

function Side({ item, name, metric }: { item: EvaluationItem; name: string; metric: string }) {
  const value = item.values[metric];
  return (
    <div className={classes.side}>
      <Text size="xs" c="dimmed">{name}{value === undefined ? "" : ` · ${metricTitle(metric).toLowerCase()} ${formatNumber(value, 3)}`}</Text>
      {item.answers.map((answer, index) => (
        <div key={index}>
          <Text size="xs" mt={4} component="div" className={classes.mark}>
            {answer.right === null ? null : answer.right
              ? <span className={classes.mark} style={{ color: "var(--ls-ok)" }}><IconCheck size={14} aria-hidden /> right</span>
              : <span className={classes.mark} style={{ color: "var(--ls-bad)" }}><IconX size={14} aria-hidden /> wrong</span>}
            {answer.role && answer.role !== "policy" ? <span>{answer.role}</span> : null}
            {answer.score !== null && answer.right === null ? <span>score {formatNumber(answer.score)}</span> : null}
            {answer.truncated ? <span className={classes.muted}>cut</span> : null}
          </Text>
          <pre className={classes.answer} dir="auto">{answer.text || "(empty)"}</pre>
        </div>
      ))}
      {item.notes.length > 0 ? (
        <details>
          <summary><Text span size="xs">What the judge said</Text></summary>
          {item.notes.map((note, index) => <pre key={index} className={classes.answer} dir="auto">{note || "(nothing)"}</pre>)}
        </details>
      ) : null}
    </div>
  );
}
