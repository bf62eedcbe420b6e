import { Select } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { algorithmsQuery } from "@/api/algorithms";
import { modelsQuery } from "@/api/models";
import { runsQuery } from "@/api/runs";
import type { ModelKind } from "@/api/shapes";
import { formatCount } from "@/ui/numbers";
import { makes, roleTitle, sortModels } from "./readiness";

interface Props { projectId: string; role: string; help: string; required: boolean; kinds: ModelKind[]; value: string | undefined; disabled?: boolean; error?: string; onChange: (id: string | undefined) => void }

/** A registered model of a kind that the role takes, or the final model of a run (the new run waits for it). */
export function ModelPicker({ projectId, role, help, required, kinds, value, disabled, error, onChange }: Props) {
  const models = useQuery(modelsQuery(projectId));
  const runs = useInfiniteQuery(runsQuery(projectId, { sort: "-created_at" }, 50));
  const methods = useQuery(algorithmsQuery).data?.methods ?? [];
  const ready = sortModels(models.data ?? []).filter((model) => kinds.includes(model.kind)).map((model) => ({
    value: model.id,
    label: `${model.name}${model.parameters ? ` · ${formatCount(model.parameters)}` : ""}${model.state === "ready" ? "" : ` · ${model.state}`}`,
    disabled: model.state !== "ready",
  }));
  // A run whose last step is a model already stands among the models.
  const registered = new Set((models.data ?? []).map((model) => `${model.run_id} ${model.step}`));
  const fromRuns = (runs.data?.pages[0]?.items ?? []).filter((run) => run.kind === "train" && kinds.includes(makes(methods.find((card) => card.slug === run.method))) && run.state !== "failed" && run.state !== "cancelled" && (run.id === value || !registered.has(`${run.id} ${run.step}`))).map((run) => ({
    value: run.id, label: `${run.name} · ${run.state === "succeeded" ? "final model" : `final model, when it ends (${run.state})`}`, disabled: false,
  }));
  const known = [...ready, ...fromRuns].some((one) => one.value === value);
  const lost = value && !known ? [{ group: "Chosen", items: [{ value, label: value, disabled: false }] }] : [];
  return (
    <Select
      label={roleTitle(role)} description={help || undefined} required={required} searchable clearable={!required}
      data={[{ group: "Models", items: ready }, { group: "Out of runs", items: fromRuns }, ...lost]} value={value ?? null} disabled={disabled} error={error}
      placeholder={models.isPending ? "Loading" : ready.length === 0 ? noneText(kinds) : "Choose a model"} nothingFoundMessage="No model is called that"
      onChange={(id) => onChange(id ?? undefined)}
    />
  );
}

function noneText(kinds: ModelKind[]): string {
  return kinds.includes("causal") ? "No model yet: register one under Models" : "No reward model yet: train one on pairs";
}
