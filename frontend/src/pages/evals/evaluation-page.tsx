import { Alert, Button, Group, SegmentedControl, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { comparisonsQuery, evaluationQuery, itemsQuery, sameSuiteQuery, type Show } from "@/api/evaluations";
import type { EvaluationDetail } from "@/api/shapes";
import { useStanding } from "@/api/standing";
import { AgainstAll } from "@/features/evaluations/against-all";
import { ItemList } from "@/features/evaluations/item-list";
import { MetricsTable } from "@/features/evaluations/metrics-table";
import { VerdictPanel } from "@/features/evaluations/verdict-panel";
import { metricTitle, SHOWN } from "@/features/evaluations/words";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { CopyId } from "@/ui/copy-id";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";
import { Time } from "@/ui/time";

const HERE = "/signed-in/p/$projectId/evals/$evaluationId";

/** One evaluation: the verdict against another, its figures, and every item behind them. */
export function EvaluationPage() {
  const { projectId, evaluationId } = useParams({ from: HERE });
  const query = useQuery(evaluationQuery(evaluationId));
  const found = query.data;
  useBreadcrumbs([{ label: "Evaluations", to: `/p/${projectId}/evals` }, { label: found ? `${found.model_name} on ${found.suite}` : "…" }]);
  if (query.error) return <PageFrame title="Evaluation"><FailedState error={query.error} onRetry={() => void query.refetch()} what="This evaluation" /></PageFrame>;
  if (!found) return <PageFrame title="Evaluation"><LoadingState rows={8} /></PageFrame>;
  return <Loaded key={found.id} found={found} />;
}

function Loaded({ found }: { found: EvaluationDetail }) {
  const projectId = found.project_id;
  const search = useSearch({ from: HERE });
  const navigate = useNavigate();
  const { canEdit } = useStanding(projectId);
  const tweak = (change: Partial<typeof search>) => void navigate({ to: "/p/$projectId/evals/$evaluationId", params: { projectId, evaluationId: found.id }, replace: true, search: (now) => ({ ...now, ...change }) });
  const metric = search.metric && found.metrics[search.metric] ? search.metric : found.primary;
  const siblings = useQuery(sameSuiteQuery(projectId, found.suite_key)).data?.filter((one) => one.id !== found.id) ?? [];
  const against = siblings.find((one) => one.id === search.against);
  const verdict = useQuery({ ...comparisonsQuery(search.against ?? "", [found.id], metric), enabled: search.against !== undefined });
  const newest = siblings.filter((one, index) => siblings.findIndex((other) => other.model_id === one.model_id) === index && one.model_id !== found.model_id).slice(0, 20).map((one) => one.id);
  const all = useQuery({ ...comparisonsQuery(found.id, newest, metric), enabled: newest.length > 0 && search.against === undefined });
  const more = siblings.map((one) => ({ value: one.id, label: `${one.model_name} · ${one.run_name}` }));
  return (
    <PageFrame
      title={`${found.model_name} on ${found.suite}`} wide note={<Group gap={12}><CopyId id={found.id} /><Text c="dimmed"><Time at={found.created_at} /></Text></Group>}
      actions={<>
        <Button variant="default" renderRoot={(root) => <Link to="/p/$projectId/runs/$runId/curves" params={{ projectId, runId: found.run_id }} {...root} />}>Open its run</Button>
        {canEdit ? <Button leftSection={<IconPlus size={14} />} renderRoot={(root) => <Link to="/p/$projectId/evals/new" params={{ projectId }} search={{ method: found.method }} {...root} />}>Evaluate another</Button> : null}
      </>}
    >
      <Stack gap={12}>
        {found.partial ? <Alert color="var(--ls-warn)" variant="outline">Stopped early: only the items up to there are counted.</Alert> : null}
        <Group gap={12} align="flex-end">
          <Select label="Compare with" w={340} maw="100%" searchable clearable data={more} value={search.against ?? null} placeholder={more.length ? "Choose another evaluation of this suite" : "No other evaluation of this suite yet"} disabled={more.length === 0} onChange={(id) => tweak({ against: id ?? undefined, items: undefined })} />
          <Select label="Metric" w={220} data={Object.keys(found.metrics).map((name) => ({ value: name, label: metricTitle(name) }))} value={metric} allowDeselect={false} onChange={(name) => tweak({ metric: name === found.primary ? undefined : name ?? undefined })} />
        </Group>
        {search.against && verdict.error ? <FailedState error={verdict.error} onRetry={() => void verdict.refetch()} what="The comparison" /> : null}
        {search.against && verdict.isPending ? <LoadingState rows={2} /> : null}
        {search.against && verdict.data?.comparisons[0] ? <VerdictPanel found={verdict.data.comparisons[0]} /> : null}
        <Panel title="Figures" flush><MetricsTable metrics={found.metrics} primary={found.primary} /></Panel>
        {all.data ? <AgainstAll projectId={projectId} comparisons={all.data.comparisons} onCompare={(id) => tweak({ against: id, items: "flipped" })} /> : null}
        <Items found={found} metric={metric} against={against ? { id: against.id, name: against.model_name } : undefined} show={search.items} q={search.q ?? ""} onTweak={tweak} />
        <About found={found} />
      </Stack>
    </PageFrame>
  );
}

interface ItemsProps { found: EvaluationDetail; metric: string; against?: { id: string; name: string }; show?: Show; q: string; onTweak: (change: { items?: Show; q?: string }) => void }

function Items({ found, metric, against, show, q, onTweak }: ItemsProps) {
  const choices = against ? SHOWN.beside : SHOWN.alone;
  const shown: Show = choices.find((one) => one.value === show)?.value ?? choices[0].value;
  const items = useInfiniteQuery({ ...itemsQuery(found.id, { against: against?.id, show: shown, metric, q: q || undefined }), placeholderData: keepPreviousData });
  const total = items.data?.pages[0]?.total;
  const rows = items.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Panel title={total === undefined ? "Items" : `${total.toLocaleString("en")} items`} flush>
      <Group gap={8} p={12}>
        <SegmentedControl size="xs" aria-label="Which items" data={[...choices]} value={shown} onChange={(value) => onTweak({ items: value as Show })} />
        <TextInput flex={1} miw={180} maw={420} value={q} aria-label="Search prompts and answers" placeholder="Search prompts and answers" leftSection={<IconSearch size={14} />} onChange={(event) => onTweak({ q: event.currentTarget.value || undefined })} />
      </Group>
      {items.error ? <FailedState error={items.error} onRetry={() => void items.refetch()} what="The items" /> : null}
      {items.isPending ? <LoadingState rows={6} /> : null}
      {total === 0 ? <EmptyState title={shown === "flipped" && !q ? "No item flipped" : "No item fits"}>{shown === "flipped" && !q ? "Both models stand alike on every item of this metric." : "Choose other items, or search for other words."}</EmptyState> : null}
      <ItemList items={rows} metric={metric} name={found.model_name} otherName={against?.name} />
      {items.hasNextPage ? <Button variant="subtle" m={12} loading={items.isFetchingNextPage} onClick={() => void items.fetchNextPage()}>Show more</Button> : null}
    </Panel>
  );
}

function About({ found }: { found: EvaluationDetail }) {
  const { report } = found;
  const facts: [string, string][] = [
    ["Data", `${report.data.name || report.data.version_id} · ${report.data.split}`],
    ...report.models.map((model): [string, string] => [`Model as ${model.role}`, model.name || model.model_id]),
    ...Object.entries(report.settings).filter(([, value]) => value !== "" && value !== null).map(([name, value]): [string, string] => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]),
  ];
  return (
    <Panel title="How it was measured">
      {report.left_out.map((sentence) => <Text key={sentence} c="var(--ls-warn)" mb={8}>{sentence}</Text>)}
      <Group component="dl" gap={24} m={0}>
        {facts.map(([term, text]) => <div key={term} style={{ minWidth: 0 }}><Text component="dt" size="xs" c="dimmed">{term}</Text><Text component="dd" m={0} style={{ overflowWrap: "anywhere" }}>{text}</Text></div>)}
      </Group>
    </Panel>
  );
}
