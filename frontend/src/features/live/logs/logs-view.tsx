import { Button, SegmentedControl, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconArrowDown, IconSearch } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import type { LogLine } from "@/api/run";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { isActive } from "@/ui/run-states";
import { useShortcuts } from "@/ui/shortcuts";
import { useRun } from "../run-context";
import { filterLines, LEVELS, pieces, type Level } from "./log-lines";
import classes from "./logs.module.css";
import { useLogLines } from "./use-log-lines";

export interface LogsSearch {
  level?: Level;
  q?: string;
}

/** The log's tail: follows its end until scrolled away from it. */
export function LogsView({ search, onSearch }: { search: LogsSearch; onSearch: (change: Partial<LogsSearch>) => void }) {
  const { run, feed } = useRun();
  const { lines, query } = useLogLines(feed);
  const older = query.hasNextPage;
  const [following, setFollowing] = useState(true);
  const box = useRef<HTMLDivElement>(null);
  const find = useRef<HTMLInputElement>(null);
  const pattern = search.q ?? "";
  const shown = filterLines(lines, search.level ?? "info", pattern);
   
  const rows = useVirtualizer({ count: shown.length, getScrollElement: () => box.current, estimateSize: () => 20, overscan: 20, getItemKey: (index) => shown[index]?.cursor ?? index });
  const typed = useDebouncedCallback((q: string) => onSearch({ q: q || undefined }), 200);
  useEffect(() => {
    if (following && shown.length > 0) rows.scrollToIndex(shown.length - 1, { align: "end" });
  }, [following, shown.length, rows]);
  useShortcuts("Logs", [
    { keys: "/", label: "Search", run: () => find.current?.focus() },
    { keys: "G", label: "Newest line", run: () => setFollowing(true) },
  ]);

  const onScroll = (): void => {
    const at = box.current;
    if (!at) return;
    setFollowing(at.scrollHeight - at.scrollTop - at.clientHeight < 24);
    if (at.scrollTop < 40 && older && !query.isFetchingNextPage) void query.fetchNextPage();
  };
  if (query.isError) return <FailedState error={query.error} onRetry={() => void query.refetch()} what="Logs" />;
  if (query.isPending) return <LoadingState rows={12} height={14} />;
  if (lines.length === 0) {
    return <EmptyState title="No log lines yet" api={`GET /api/v1/runs/${run.id}/logs`}>{isActive(run.state) ? "The engine's first lines come when it starts." : "This run wrote none."}</EmptyState>;
  }
  return (
    <>
      <div className={classes.toolbar}>
        <SegmentedControl size="xs" aria-label="Lowest level" value={search.level ?? "info"} onChange={(level) => onSearch({ level: level as Level })} data={[...LEVELS]} />
        <TextInput ref={find} size="xs" w={260} aria-label="Search, also as a regular expression" placeholder="Search, also a regular expression" leftSection={<IconSearch size={14} />} defaultValue={search.q} onChange={(event) => typed(event.currentTarget.value)} />
        <Text size="xs" c="dimmed">{shown.length === lines.length ? `${lines.length.toLocaleString("en")} lines` : `${shown.length.toLocaleString("en")} of ${lines.length.toLocaleString("en")} lines`}{older && ", older ones on scrolling up"}</Text>
      </div>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard */}
      <div className={classes.box} ref={box} onScroll={onScroll} tabIndex={0} role="log" aria-label="Log">
        <div style={{ height: rows.getTotalSize(), position: "relative" }}>
          {rows.getVirtualItems().map((row) => (
            <OneLine key={row.key} line={shown[row.index] as LogLine} pattern={pattern} top={row.start} index={row.index} measure={rows.measureElement} />
          ))}
        </div>
        {!following && <Button className={classes.latest} size="compact-xs" leftSection={<IconArrowDown size={14} />} onClick={() => setFollowing(true)}>Newest</Button>}
      </div>
    </>
  );
}

function OneLine({ line, pattern, top, index, measure }: { line: LogLine; pattern: string; top: number; index: number; measure: (element: Element | null) => void }) {
  const time = new Date(line.time * 1000);
  return (
    <div className={classes.line} data-level={line.level} data-index={index} ref={measure} style={{ transform: `translateY(${top}px)` }}>
      <time className={classes.time} dateTime={time.toISOString()} title={time.toISOString()}>{time.toTimeString().slice(0, 8)}</time>
      <span className={classes.level}>{line.level}</span>
      <span className={classes.message} dir="auto">{pieces(line.message, pattern).map((piece, at) => (piece.hit ? <mark key={at}>{piece.text}</mark> : piece.text))}</span>
    </div>
  );
}
