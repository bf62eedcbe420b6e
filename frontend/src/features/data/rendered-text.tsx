import { Text } from "@mantine/core";
import type { RenderedRow } from "@/api/datasets";
import classes from "./data.module.css";

/** One rendered row. `cut_at` counts tokens; it is drawn where that share of the text ends. */
export function RenderedText({ row }: { row: RenderedRow }) {
  const trained = row.segments.reduce((sum, segment) => sum + (segment.trained ? segment.text.length : 0), 0);
  const length = row.segments.reduce((sum, segment) => sum + segment.text.length, 0);
  return (
    <section aria-label={`Row ${row.index}`}>
      <Text size="xs" c="dimmed" mb={4}>
        row {row.index} · {row.tokens.toLocaleString("en")} tokens · {length === 0 ? 0 : Math.round((100 * trained) / length)} % of the text trained
        {row.cut_at !== null && ` · cut at ${row.cut_at.toLocaleString("en")}`}
      </Text>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard */}
      <pre className={classes.rendered} dir="auto" tabIndex={0}>{pieces(row, length)}</pre>
    </section>
  );
}

function pieces(row: RenderedRow, length: number): React.ReactNode[] {
  const cut = row.cut_at === null || row.tokens === 0 ? Infinity : (length * row.cut_at) / row.tokens;
  let at = 0;
  return row.segments.flatMap((segment, index) => {
    const start = at;
    at += segment.text.length;
    const split = Math.round(Math.min(Math.max(cut - start, 0), segment.text.length));
    const within = segment.text.slice(0, split);
    const beyond = segment.text.slice(split);
    const span = (text: string, key: string, isBeyond: boolean): React.ReactNode => (
      <span key={key} className={`${classes.segment} ${isBeyond ? classes.beyond : ""}`} data-trained={segment.trained && !isBeyond} title={segment.role}>{text}</span>
    );
    const line = cut >= start && cut < at ? [<span key={`cut ${index}`} className={classes.cut}>cut here, about: {row.cut_at} tokens</span>] : [];
    return [...(within ? [span(within, `in ${index}`, false)] : []), ...line, ...(beyond ? [span(beyond, `out ${index}`, true)] : [])];
  });
}
