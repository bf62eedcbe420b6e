import { Button, SegmentedControl } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconPlayerPlay, IconPlus } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useRef, useState } from "react";
import { Problem } from "@/api/problem";
import { runsQuery } from "@/api/runs";
import { useStanding } from "@/api/standing";
import { BulkBar } from "@/features/runs/bulk-bar";
import { ColumnMenu } from "@/features/runs/column-menu";
import { allColumns, chosenColumns, nextSort } from "@/features/runs/columns";
import { FilterBox } from "@/features/runs/filter-box";
import { withToken } from "@/features/runs/filter-tokens";
import { RunCards } from "@/features/runs/run-cards";
import { withRange } from "@/features/runs/pick-range";
import { RunsTable } from "@/features/runs/runs-table";
import { ViewMenu } from "@/features/runs/view-menu";
import { countRuns } from "@/features/runs/words";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { useShortcuts } from "@/ui/shortcuts";

/** What trains and what does not: evaluations, samples, scores, models held ready. */
const KINDS = { train: "train", tasks: "evaluate,generate,score,serve", all: undefined };
const HERE = "/signed-in/p/$projectId/runs";

/** Find, pick and act on thousands of runs; what is chosen stands in the address. */
export function RunsPage() {
  const { projectId } = useParams({ from: HERE });
  const chosen = useSearch({ from: HERE });
  const { q = "", sort, cols, sel = [], kind = "train" } = chosen;
  const navigate = useNavigate();
  const { canEdit } = useStanding(projectId);
  const client = useQueryClient();
  const narrow = useMediaQuery("(max-width: 768px)");
  const [active, setActive] = useState(-1);
  const filter = useRef<HTMLInputElement>(null);
  useBreadcrumbs([{ label: "Runs" }]);
  const tweak = useCallback(
    (change: { q?: string; sort?: string; cols?: string[]; sel?: string[]; kind?: "tasks" | "all" }) => void navigate({ to: "/p/$projectId/runs", params: { projectId }, replace: true, search: (now) => ({ ...now, ...change }) }),
    [navigate, projectId],
  );
  const list = useInfiniteQuery({ ...runsQuery(projectId, { q: q || undefined, sort, kind: q.includes("kind:") ? undefined : KINDS[kind] }), placeholderData: keepPreviousData });
  const { data: fresh = [] } = useQuery<string[]>({ queryKey: ["new-runs", projectId], queryFn: () => [], staleTime: Infinity });
  const runs = list.data?.pages.flatMap((page) => page.items) ?? [];
  const columns = chosenColumns(runs, cols);
  const lastPick = useRef<string | null>(null);
  const pick = (id: string, range = false) => {
    tweak({ sel: range ? withRange(sel, runs.map((run) => run.id), lastPick.current, id) : sel.includes(id) ? sel.filter((one) => one !== id) : [...sel, id] });
    lastPick.current = id;
  };
  const open = (index: number) => {
    const run = runs[index];
    if (run) void navigate({ to: "/p/$projectId/runs/$runId/curves", params: { projectId, runId: run.id } });
  };
  const showNew = () => {
    client.setQueryData(["new-runs", projectId], []);
    void client.invalidateQueries({ queryKey: ["runs", projectId] });
  };
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  useShortcuts("Runs", [
    { keys: "/", label: "Filter", run: () => filter.current?.focus() },
    { keys: "j", label: "Next run", run: () => setActive((at) => Math.min(at + 1, runs.length - 1)) },
    { keys: "k", label: "Previous run", run: () => setActive((at) => Math.max(at - 1, 0)) },
    { keys: "x", label: "Pick", run: () => runs[active] && pick(runs[active].id) },
    { keys: "enter", label: "Open", run: () => open(active) },
  ]);
  const badFilter = list.error instanceof Problem ? list.error.errors.find((error) => error.field === "q" || error.field === "sort")?.message : undefined;
  const nothing = list.isSuccess && runs.length === 0;
  return (
    <PageFrame
      wide title="Runs"
      actions={canEdit ? <Button component={Link} to={`/p/${projectId}/runs/new`} leftSection={<IconPlus size={14} />}>New run</Button> : undefined}
    >
      <div style={{ display: "flex", gap: 8, marginBottom: 8, alignItems: "flex-start" }}>
        <FilterBox value={q} error={badFilter} inputRef={filter} onChange={(line) => tweak({ q: line || undefined })} />
        <SegmentedControl size="xs" aria-label="Which runs" data={[{ value: "train", label: "Training" }, { value: "tasks", label: "Tasks" }, { value: "all", label: "All" }]} value={kind} onChange={(value) => tweak({ kind: value === "train" ? undefined : value as "tasks" | "all", sel: undefined })} />
        {narrow ? null : <ViewMenu key={projectId} projectId={projectId} shown={{ q, sort, cols }} onView={(view) => tweak({ ...view, q: view.q || undefined })} />}
        {narrow ? null : <ColumnMenu all={allColumns(runs)} chosen={columns.map((column) => column.id)} onChange={(ids) => tweak({ cols: ids })} />}
      </div>
      <BulkBar projectId={projectId} canEdit={canEdit} picked={runs.filter((run) => sel.includes(run.id))} onClear={() => tweak({ sel: undefined })} />
      {fresh.length > 0 ? <Button variant="light" fullWidth mb={8} onClick={showNew}>{countRuns(fresh.length)} new ↑</Button> : null}
      {list.isPending ? <LoadingState rows={10} height={28} /> : null}
      {list.error && !badFilter ? <FailedState error={list.error} onRetry={() => void list.refetch()} /> : null}
      {nothing && q ? <EmptyState title="No run matches" action={<Button variant="default" onClick={() => tweak({ q: undefined })}>Clear the filter</Button>}>Nothing fits “{q}”. Take a condition away.</EmptyState> : null}
      {nothing && !q && kind === "tasks" ? <EmptyState title="No tasks yet">Evaluations and samples are runs of their own; they stand here.</EmptyState> : null}
      {nothing && !q && kind !== "tasks" ? (
        <EmptyState icon={IconPlayerPlay} title="No runs yet" api={`POST /api/v1/projects/${projectId}/runs`} action={canEdit ? <Button component={Link} to={`/p/${projectId}/runs/new`}>New run</Button> : undefined}>
          {canEdit ? "A run trains a model by a method on your data. Launch the demo to see one in a minute." : "Runs appear here when an editor launches them."}
        </EmptyState>
      ) : null}
      {runs.length > 0 && narrow ? <RunCards runs={runs} /> : null}
      {runs.length > 0 && !narrow ? (
        <RunsTable
          runs={runs} columns={columns} sort={sort} picked={sel} active={active} dimmed={list.isPlaceholderData}
          onSort={(key) => tweak({ sort: nextSort(sort, key) })} onPick={pick} onPickAll={(ids) => tweak({ sel: ids.length ? ids : undefined })} onCondition={(token) => tweak({ q: withToken(q, token) })} onEnd={more}
        />
      ) : null}
    </PageFrame>
  );
}
