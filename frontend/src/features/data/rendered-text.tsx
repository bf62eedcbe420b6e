import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import type { RenderedRow } from "@/api/datasets";
import type { RecordKind } from "@/api/shapes";
import classes from "./data.module.css";
import { partsOf, type Segment } from "./rendered-parts";

/** One rendered row; a pair's two answers stand side by side. `cut_at` counts tokens; it is drawn where that share of the text ends. */
export function RenderedText({ row, kind }: { row: RenderedRow; kind: RecordKind | null }) {
  const trained = row.segments.reduce((sum, segment) => sum + (segment.trained ? segment.text.length : 0), 0);
  const length = row.segments.reduce((sum, segment) => sum + segment.text.length, 0);
  const cut = row.cut_at === null || row.tokens === 0 ? Infinity : (length * row.cut_at) / row.tokens;
  const parts = partsOf(row.segments, kind);
  const starts = parts.map((_, index) => parts.slice(0, index).reduce((sum, part) => sum + part.segments.reduce((all, segment) => all + segment.text.length, 0), 0));
  return (
    <section aria-label={`Row ${row.index + 1}`}>
      <Text size="xs" c="dimmed" mb={4}>
        row {row.index + 1} · {row.tokens.toLocaleString("en")} tokens · {length === 0 ? 0 : Math.round((100 * trained) / length)} % of the text trained
        {row.cut_at !== null && ` · cut at ${row.cut_at.toLocaleString("en")}`}
      </Text>
      <div className={classes.pair}>
        {parts.map((part, index) => (
          <div key={index} className={classes.half}>
            {part.name && <Text size="xs" fw={600} mb={4}>{part.name}</Text>}
            {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard */}
            <pre className={classes.rendered} dir="auto" tabIndex={0} role="region" aria-label={part.name || `Text of row ${row.index + 1}`}>{pieces(part.segments, starts[index] ?? 0, cut, row.cut_at)}</pre>
          </div>
        ))}
      </div>
    </section>
  );
}

function pieces(segments: Segment[], from: number, cut: number, cutAt: number | null): ReactNode[] {
  let at = from;
  return segments.flatMap((segment, index) => {
    const start = at;
    at += segment.text.length;
    const split = Math.round(Math.min(Math.max(cut - start, 0), segment.text.length));
    const within = segment.text.slice(0, split);
    const beyond = segment.text.slice(split);
    const span = (text: string, key: string, isBeyond: boolean): ReactNode => (
      <span key={key} className={`${classes.segment} ${isBeyond ? classes.beyond : ""}`} data-trained={segment.trained && !isBeyond} title={segment.role}>{text}</span>
    );
    const line = cut >= start && cut < at ? [<span key={`cut ${index}`} className={classes.cut}>cut here, about: {cutAt} tokens</span>] : [];
    return [...(within ? [span(within, `in ${index}`, false)] : []), ...line, ...(beyond ? [span(beyond, `out ${index}`, true)] : [])];
  });
}
