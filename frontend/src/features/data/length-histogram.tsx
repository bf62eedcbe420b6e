import { NumberInput, Text } from "@mantine/core";
import { useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import type { SplitStats } from "@/api/datasets";
import { formatCount, formatShare } from "@/ui/numbers";
import classes from "./length-histogram.module.css";
import { sensibleLimit, shareCut } from "./length-cut";

/** Token lengths of the rows with a limit to drag: "768 cuts 3.1 %". Arrow keys and the field do the same. */
export function LengthHistogram({ stats }: { stats: SplitStats }) {
  const { edges, counts } = stats.histogram;
  const [low, high] = [edges[0] ?? 0, edges.at(-1) ?? 1];
  const [limit, setLimit] = useState(() => Math.min(sensibleLimit(stats), high));
  const box = useRef<HTMLDivElement>(null);
  const tallest = Math.max(1, ...counts);
  const place = (tokens: number): number => (100 * (tokens - low)) / (high - low || 1);
  const drag = (event: PointerEvent): void => {
    const area = box.current?.getBoundingClientRect();
    if (!area || event.buttons === 0) return;
    const share = Math.min(1, Math.max(0, (event.clientX - area.left) / area.width));
    setLimit(Math.max(1, Math.round(low + share * (high - low))));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageDown: -32, PageUp: 32 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    setLimit(Math.min(high, Math.max(1, limit + by)));
  };
  const cut = shareCut(stats.histogram, limit);
  return (
    <div>
      <div className={classes.box} ref={box} onPointerDown={drag} onPointerMove={drag}>
        {counts.map((count, index) => {
          const [from, to] = [edges[index] as number, edges[index + 1] as number];
          return <i key={index} className={classes.bar} data-cut={from >= limit} style={{ left: `${place(from)}%`, width: `calc(${place(to) - place(from)}% - 1px)`, height: `${(100 * count) / tallest}%` }} title={`${Math.round(from)} to ${Math.round(to)} tokens: ${count} rows`} />;
        })}
        <div className={classes.limit} style={{ left: `${place(limit)}%` }} role="slider" tabIndex={0} aria-label="Length limit" aria-valuemin={1} aria-valuemax={high} aria-valuenow={limit} aria-valuetext={`${limit} tokens cuts ${formatShare(cut)}`} onKeyDown={onKeyDown}>
          <span data-flip={place(limit) > 70}>{limit.toLocaleString("en")} cuts {formatShare(cut)}</span>
        </div>
      </div>
      <div className={classes.axis}><span>{formatCount(low)}</span><span>tokens</span><span>{formatCount(high)}</span></div>
      <div className={classes.foot}>
        <NumberInput w={120} size="xs" aria-label="Length limit in tokens" value={limit} min={1} max={high} onChange={(value) => Number(value) > 0 && setLimit(Number(value))} />
        <Text>cuts about {formatCount(cut * stats.rows)} of {formatCount(stats.rows)} rows</Text>
      </div>
    </div>
  );
}
