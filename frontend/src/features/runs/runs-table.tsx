import { Checkbox, UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type MouseEvent, useEffect, useRef } from "react";
import type { RunSummary } from "@/api/shapes";
import type { Column } from "./columns";
import { cellCondition, RunCell } from "./run-cell";
import { RunName } from "./run-name";
import classes from "./runs-table.module.css";

const ROW = 36;

export interface TableProps {
  runs: RunSummary[]; columns: Column[]; sort: string | undefined; picked: string[]; active: number; dimmed: boolean;
  onSort: (key: string) => void; onPick: (id: string, range: boolean) => void; onPickAll: (ids: string[]) => void; onCondition: (token: string) => void; onEnd: () => void;
}

/** Thousands of runs: only the rows in sight are drawn. */
export function RunsTable(props: TableProps) {
  const { runs, columns, active, onEnd } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: runs.length, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 12 });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= runs.length - 5) onEnd();
  }, [last, runs.length, onEnd]);
  useEffect(() => {
    if (active >= 0) virtual.scrollToIndex(active);
  }, [active, virtual]);
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const allPicked = runs.length > 0 && runs.every((run) => props.picked.includes(run.id));
  return (
    <div ref={scroller} className={classes.scroller} data-dimmed={props.dimmed || undefined}>
      <table className={classes.table} aria-rowcount={runs.length}>
        <thead>
          <tr>
            <th className={classes.pick}><Checkbox size="xs" aria-label="Pick all" checked={allPicked} indeterminate={!allPicked && props.picked.length > 0} onChange={() => props.onPickAll(allPicked ? [] : runs.map((run) => run.id))} /></th>
            <Head title="Name" sortKey="name" sort={props.sort} onSort={props.onSort} width={190} className={classes.name} />
            {columns.map((column) => <Head key={column.id} title={column.title} sortKey={column.sort} sort={props.sort} onSort={props.onSort} numeric={column.numeric} width={column.width} />)}
          </tr>
        </thead>
        <tbody>
          {above > 0 ? <tr aria-hidden style={{ height: above }} /> : null}
          {items.map((item) => {
            const run = runs[item.index];
            if (!run) return null;
            const filterBy = (column: string) => (event: MouseEvent) => {
              const token = cellCondition(run, column);
              if (!token) return;
              event.preventDefault();
              props.onCondition(token);
            };
            return (
              <tr key={run.id} style={{ height: ROW }} data-active={item.index === active || undefined} data-picked={props.picked.includes(run.id) || undefined}>
                <td className={classes.pick}><Checkbox size="xs" aria-label={`Pick ${run.name}`} checked={props.picked.includes(run.id)} onChange={(event) => props.onPick(run.id, event.nativeEvent instanceof MouseEvent && event.nativeEvent.shiftKey)} /></td>
                <td className={classes.name}><RunName run={run} /></td>
                {columns.map((column) => (
                  <td key={column.id} data-numeric={column.numeric || undefined} onContextMenu={filterBy(column.id)}><RunCell run={run} column={column.id} /></td>
                ))}
              </tr>
            );
          })}
          {below > 0 ? <tr aria-hidden style={{ height: below }} /> : null}
        </tbody>
      </table>
    </div>
  );
}

interface HeadProps { title: string; sortKey: string | null; sort: string | undefined; onSort: (key: string) => void; numeric?: boolean; width: number; className?: string }

function Head({ title, sortKey, sort, onSort, numeric, width, className }: HeadProps) {
  const down = sortKey !== null && sort === `-${sortKey}`;
  const up = sortKey !== null && sort === sortKey;
  return (
    <th className={className} style={{ minWidth: width }} data-numeric={numeric || undefined} aria-sort={down ? "descending" : up ? "ascending" : undefined}>
      {sortKey === null ? title : (
        <UnstyledButton className={classes.sort} onClick={() => onSort(sortKey)}>{title}{down ? <IconArrowDown size={12} aria-hidden /> : up ? <IconArrowUp size={12} aria-hidden /> : null}</UnstyledButton>
      )}
    </th>
  );
}
