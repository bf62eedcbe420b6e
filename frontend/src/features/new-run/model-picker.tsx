import { Select } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { modelsQuery } from "@/api/models";
import { runsQuery } from "@/api/runs";
import { formatCount } from "@/ui/numbers";
import { sortModels } from "./readiness";

interface Props { projectId: string; role: string; help: string; required: boolean; value: string | undefined; disabled?: boolean; error?: string; onChange: (id: string | undefined) => void }

/** A registered model, or the final model of a run (the new run waits for it). */
export function ModelPicker({ projectId, role, help, required, value, disabled, error, onChange }: Props) {
  const models = useQuery(modelsQuery(projectId));
  const runs = useInfiniteQuery(runsQuery(projectId, { sort: "-created_at" }, 50));
  const ready = sortModels(models.data ?? []).map((model) => ({
    value: model.id,
    label: `${model.name}${model.parameters ? ` · ${formatCount(model.parameters)}` : ""}${model.state === "ready" ? "" : ` · ${model.state}`}`,
    disabled: model.state !== "ready",
  }));
  // A run whose last step is a model already stands among the models.
  const registered = new Set((models.data ?? []).map((model) => `${model.run_id} ${model.step}`));
  const fromRuns = (runs.data?.pages[0]?.items ?? []).filter((run) => run.kind === "train" && run.state !== "failed" && run.state !== "cancelled" && (run.id === value || !registered.has(`${run.id} ${run.step}`))).map((run) => ({
    value: run.id, label: `${run.name} · ${run.state === "succeeded" ? "final model" : `final model, when it ends (${run.state})`}`, disabled: false,
  }));
  const known = [...ready, ...fromRuns].some((one) => one.value === value);
  const lost = value && !known ? [{ group: "Chosen", items: [{ value, label: value, disabled: false }] }] : [];
  return (
    <Select
      label={role === "policy" ? "Model" : `${role[0]?.toUpperCase()}${role.slice(1)} model`} description={help || undefined} required={required} searchable clearable={!required}
      data={[{ group: "Models", items: ready }, { group: "Out of runs", items: fromRuns }, ...lost]} value={value ?? null} disabled={disabled} error={error}
      placeholder={models.isPending ? "Loading" : ready.length === 0 ? "No model yet: register one under Models" : "Choose a model"} nothingFoundMessage="No model is called that"
      onChange={(id) => onChange(id ?? undefined)}
    />
  );
}
