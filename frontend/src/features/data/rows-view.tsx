import { Group, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { rowsQuery } from "@/api/datasets";
import type { DatasetVersion } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { Panel } from "@/ui/panel";
import { useShortcuts } from "@/ui/shortcuts";
import classes from "./data.module.css";
import { RecordView } from "./record-view";

export interface RowsSearch {
  q?: string;
  split?: string;
  row?: number;
}

/** The version's rows as they were read; further ones come while scrolling. */
export function RowsView({ version, search, onSearch }: { version: DatasetVersion; search: RowsSearch; onSearch: (change: Partial<RowsSearch>) => void }) {
  const split = search.split ?? version.splits[0]?.name ?? "train";
  const query = useInfiniteQuery(rowsQuery(version.id, split, search.q ?? ""));
  const box = useRef<HTMLDivElement>(null);
  const find = useRef<HTMLInputElement>(null);
  const typed = useDebouncedCallback((q: string) => onSearch({ q: q || undefined }), 300);
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const total = query.data?.pages[0]?.total ?? 0;
  const rows = useVirtualizer({ count: items.length, getScrollElement: () => box.current, estimateSize: () => 76, overscan: 8 });
  const last = rows.getVirtualItems().at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  useEffect(() => {
    if (last >= items.length - 20 && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [last, items.length, hasNextPage, isFetchingNextPage, fetchNextPage]);
  useShortcuts("Rows", [{ keys: "/", label: "Search rows", run: () => find.current?.focus() }]);

  return (
    <>
      <Group gap={8} mb={8}>
        <TextInput ref={find} w={280} aria-label="Search rows" placeholder="Search rows" leftSection={<IconSearch size={16} />} defaultValue={search.q} onChange={(event) => typed(event.currentTarget.value)} />
        {version.splits.length > 1 && <Select w={200} aria-label="Split" value={split} onChange={(value) => onSearch({ split: value ?? undefined })} data={version.splits.map((one) => ({ value: one.name, label: `${one.name} (${one.rows.toLocaleString("en")})` }))} />}
        <Text size="xs" c="dimmed">{search.q ? `${items.length.toLocaleString("en")}${hasNextPage ? "+" : ""} rows match` : `${total.toLocaleString("en")} rows`}</Text>
      </Group>
      {query.isError && <FailedState error={query.error} onRetry={() => void query.refetch()} what="Rows" />}
      {query.isPending && <LoadingState rows={6} height={60} />}
      {query.data && (
        <Panel flush>
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard */}
          <div className={classes.scroll} ref={box} tabIndex={0} role="region" aria-label="Rows">
            {items.length === 0 && <Text p={16} c="dimmed">No row contains “{search.q}”.</Text>}
            <div style={{ height: rows.getTotalSize(), position: "relative" }}>
              {rows.getVirtualItems().map((item) => {
                const row = items[item.index];
                return row ? (
                  <div key={item.key} className={classes.virtual} data-index={item.index} data-open={search.row === row.index} ref={rows.measureElement} style={{ transform: `translateY(${item.start}px)` }}>
                    <span className={classes.index}>{row.index + 1}</span>
                    <div><RecordView record={row.record} clamp /></div>
                  </div>
                ) : null;
              })}
            </div>
          </div>
        </Panel>
      )}
    </>
  );
}
