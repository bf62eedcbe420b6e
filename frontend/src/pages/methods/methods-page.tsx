import { Select, TextInput } from "@mantine/core";
import { IconMathFunction, IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { algorithmsQuery } from "@/api/algorithms";
import type { RecordKind } from "@/api/shapes";
import { useStanding } from "@/api/standing";
import { byFamily, findMethods } from "@/api/find-methods";
import { MethodEntry } from "@/features/methods/method-entry";
import classes from "@/features/methods/methods.module.css";
import { KIND_WORDS, needsText } from "@/features/new-run/readiness";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { useShortcuts } from "@/ui/shortcuts";

const route = getRouteApi("/signed-in/p/$projectId/methods");

/** The catalogue: every method by family, with formula and paper. */
export function MethodsPage() {
  const { projectId } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [q, setQ] = useState(search.q ?? "");
  const box = useRef<HTMLInputElement>(null);
  const { canEdit } = useStanding(projectId);
  const catalogue = useQuery(algorithmsQuery);
  useBreadcrumbs([{ label: "Methods" }]);
  useShortcuts("Methods", [{ keys: "/", label: "Find a method", run: () => box.current?.focus() }]);
  const narrow = (change: Partial<typeof search>): void => void navigate({ search: (now) => ({ ...now, ...change }), replace: true });
  const all = catalogue.data?.methods ?? [];
  const found = findMethods(all, search);
  const data = Object.keys(KIND_WORDS).filter((kind) => all.some((card) => card.data.some((need) => need.required && need.kinds.includes(kind as RecordKind))));
  return (
    <PageFrame title="Methods" note={catalogue.data ? `${found.length} of ${all.length}` : undefined} wide>
      <div className={classes.filters} role="search" aria-label="Methods">
        <TextInput
          ref={box} aria-label="Find a method" placeholder="Name, paper or setting" leftSection={<IconSearch size={14} />} value={q} className={classes.find}
          onChange={(event) => { setQ(event.currentTarget.value); narrow({ q: event.currentTarget.value || undefined }); }}
        />
        <Select aria-label="Family" placeholder="Every family" clearable data={byFamily(all).map((family) => family.name)} value={search.family ?? null} onChange={(family) => narrow({ family: family ?? undefined })} className={classes.pick} />
        <Select aria-label="Data at hand" placeholder="Any data" clearable data={data.map((kind) => ({ value: kind, label: KIND_WORDS[kind as RecordKind] }))} value={search.data ?? null} onChange={(kind) => narrow({ data: (kind as RecordKind | null) ?? undefined })} className={classes.pick} />
      </div>
      {catalogue.isPending ? <LoadingState rows={8} /> : null}
      {catalogue.error ? <FailedState error={catalogue.error} onRetry={() => void catalogue.refetch()} /> : null}
      {byFamily(found).map((family) => (
        <section key={family.name} aria-label={family.name}>
          <h2 className={classes.family}>{family.name} <span className={classes.quiet}>{family.methods.length}</span></h2>
          <ul className={classes.entries}>
            {family.methods.map((card) => <MethodEntry key={card.slug} projectId={projectId} card={card} needs={needsText(card)} canEdit={canEdit} hasWorker={!catalogue.data?.workers_missing.includes(card.slug)} />)}
          </ul>
        </section>
      ))}
      {catalogue.isSuccess && found.length === 0 ? <EmptyState icon={IconMathFunction} title="No method fits" api="GET /api/v1/algorithms">Try fewer words, another family or other data.</EmptyState> : null}
    </PageFrame>
  );
}
