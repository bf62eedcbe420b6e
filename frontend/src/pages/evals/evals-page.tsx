import { Button, Text, TextInput } from "@mantine/core";
import { IconPlus, IconScale, IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { boardQuery } from "@/api/evaluations";
import { runsQuery } from "@/api/runs";
import { useStanding } from "@/api/standing";
import { BoardTable } from "@/features/evaluations/board-table";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";
import { isActive, RUN_STATES } from "@/ui/run-states";
import { StateBadge } from "@/ui/state-badge";
import { Time } from "@/ui/time";

const HERE = "/signed-in/p/$projectId/evals";

/** Which model is better at what: models by suites, and the evaluations that are on their way. */
export function EvalsPage() {
  const { projectId } = useParams({ from: HERE });
  const { q = "", sel = [] } = useSearch({ from: HERE });
  const navigate = useNavigate();
  const { canEdit } = useStanding(projectId);
  useBreadcrumbs([{ label: "Evaluations" }]);
  const runs = useInfiniteQuery({ ...runsQuery(projectId, { kind: "evaluate", sort: "-created_at" }, 20), refetchInterval: (query) => (query.state.data?.pages[0]?.items.some((run) => isActive(run.state)) ? 1500 : 10_000) });
  const latest = runs.data?.pages[0]?.items ?? [];
  const ended = latest.filter((run) => !isActive(run.state)).length;
  const board = useQuery({ ...boardQuery(projectId, ended), placeholderData: keepPreviousData });
  const tweak = (change: { q?: string; sel?: string[] }) => void navigate({ to: "/p/$projectId/evals", params: { projectId }, replace: true, search: (now) => ({ ...now, ...change }) });
  const evaluate = canEdit ? <Button leftSection={<IconPlus size={14} />} renderRoot={(root) => <Link to="/p/$projectId/evals/new" params={{ projectId }} {...root} />}>Evaluate models</Button> : undefined;
  const rows = board.data?.rows.filter((row) => row.model_name.toLowerCase().includes(q.toLowerCase())) ?? [];
  const empty = board.data?.rows.length === 0;
  const shown = latest.filter((run) => isActive(run.state) || run.state === "failed").slice(0, 8);
  return (
    <PageFrame wide title="Evaluations" actions={evaluate}>
      {board.isPending ? <LoadingState /> : null}
      {board.error ? <FailedState error={board.error} onRetry={() => void board.refetch()} what="The evaluations" /> : null}
      {shown.length > 0 ? (
        <Panel title="On their way">
          {shown.map((run) => (
            <div key={run.id} style={{ display: "flex", gap: 12, alignItems: "center", minHeight: 28, flexWrap: "wrap" }}>
              <StateBadge look={RUN_STATES[run.state]} />
              <Link to="/p/$projectId/runs/$runId/curves" params={{ projectId, runId: run.id }} className="ls-link">{run.name}</Link>
              <Text c="dimmed">{run.failure?.message ?? (run.total ? `${run.step} of ${run.total}` : run.waiting_for)}</Text>
              <Text c="dimmed" size="xs"><Time at={run.created_at} /></Text>
            </div>
          ))}
        </Panel>
      ) : null}
      {empty && shown.length === 0 ? (
        <Panel>
          <EmptyState icon={IconScale} title="No evaluations yet" action={evaluate} api={`POST /api/v1/projects/${projectId}/evaluations`}>An evaluation lets models answer the same prompts and counts, with an interval: accuracy, pass@k, preferences on pairs, win rates.</EmptyState>
        </Panel>
      ) : null}
      {board.data && !empty ? (
        <>
          <TextInput my={8} maw={420} value={q} aria-label="Filter models" placeholder="Filter models" leftSection={<IconSearch size={14} />} onChange={(event) => tweak({ q: event.currentTarget.value || undefined })} />
          <Panel flush label="Models by suites">
            <BoardTable
              projectId={projectId} board={board.data} rows={rows} picked={sel}
              onPick={(id) => { const next = sel.includes(id) ? sel.filter((one) => one !== id) : [...sel, id]; tweak({ sel: next.length ? next : undefined }); }}
            />
            {rows.length === 0 ? <Text c="dimmed" p={12}>No model fits “{q}”.</Text> : null}
          </Panel>
        </>
      ) : null}
    </PageFrame>
  );
}
