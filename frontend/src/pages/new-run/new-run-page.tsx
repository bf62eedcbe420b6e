import { IconLock } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useParams, useSearch } from "@tanstack/react-router";
import { algorithmsQuery, savedConfigsQuery } from "@/api/algorithms";
import { datasetsQuery } from "@/api/datasets";
import { modelsQuery } from "@/api/models";
import { draftOfRun, runQuery } from "@/api/runs";
import { useStanding } from "@/api/standing";
import { savedDraft } from "@/features/new-run/use-draft";
import { cloneText, withConfig, withFittings, withHeldOut, withLive, withReward, withTaken, withWanted } from "@/features/new-run/starting-draft";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { Composer } from "./composer";

const HERE = "/signed-in/p/$projectId/runs/new";

/** Loads what the composer starts with: the catalogue, and the run or the saved settings the address names. */
export function NewRunPage() {
  const { projectId } = useParams({ from: HERE });
  const { canEdit } = useStanding(projectId);
  return canEdit ? <Prepared projectId={projectId} /> : <PageFrame title="New run"><EmptyState icon={IconLock} title="Editors launch runs">You may look at everything in this project. To launch a run, ask one of its owners for the editor role.</EmptyState></PageFrame>;
}

function Prepared({ projectId }: { projectId: string }) {
  const { from, config, method, model, data, reward, take, keys, live } = useSearch({ from: HERE });
  useBreadcrumbs([{ label: "Runs", to: `/p/${projectId}/runs` }, { label: from ? "Clone" : "New run" }]);
  const catalogue = useQuery(algorithmsQuery);
  const cloned = useQuery({ queryKey: ["draft-of", from], queryFn: () => draftOfRun(from ?? ""), enabled: from !== undefined, staleTime: Infinity });
  const other = useQuery({ queryKey: ["draft-of", take], queryFn: () => draftOfRun(take ?? ""), enabled: take !== undefined, staleTime: Infinity });
  const changed = useQuery({ ...runQuery(from ?? ""), enabled: from !== undefined && live === true });
  const saved = useQuery({ ...savedConfigsQuery(projectId), enabled: config !== undefined });
  const sets = useQuery(datasetsQuery(projectId));
  const models = useQuery(modelsQuery(projectId));
  const error = catalogue.error ?? cloned.error ?? other.error ?? changed.error ?? (config ? saved.error : null);
  if (error) return <PageFrame title="New run"><FailedState error={error} onRetry={() => void catalogue.refetch()} /></PageFrame>;
  // Without models and data, a method chosen at once would find nothing to begin with.
  const waiting = !catalogue.data || (from && !cloned.data) || (take && !other.data) || (from && live && !changed.data) || (config && !saved.data) || sets.isPending || models.isPending;
  if (waiting) return <PageFrame title="New run" wide><LoadingState rows={10} /></PageFrame>;
  const kept = saved.data?.find((one) => one.id === config);
  const clone = from && cloned.data ? cloneText(cloned.data, from) : savedDraft(projectId);
  const base = withLive(withTaken(clone, other.data, keys ?? []), live ? changed.data?.live : undefined);
  const wanted = kept ? withConfig(base, kept) : withWanted(base, from ? { model, data, reward } : { method, model, data, reward }, catalogue.data.methods, models.data?.find((one) => one.id === model)?.kind);
  const card = from || kept ? undefined : catalogue.data.methods.find((one) => one.slug === method);
  const fitted = card ? withFittings(wanted, card, models.data ?? [], sets.data ?? []) : data ? withHeldOut(wanted, catalogue.data, sets.data ?? []) : wanted;
  const initial = withReward(fitted, catalogue.data, sets.data);
  return <Composer key={`${projectId}-${from ?? ""}-${config ?? ""}-${take ?? ""}-${(keys ?? []).join()}-${reward ?? ""}`} projectId={projectId} catalogue={catalogue.data} initial={initial} />;
}
