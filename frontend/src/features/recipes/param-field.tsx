import { Group, NumberInput, Select, Switch, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { datasetsQuery } from "@/api/datasets";
import { modelsQuery } from "@/api/models";
import type { DatasetChoice, RecipeParam } from "@/api/shapes";
import { formatCount } from "@/ui/numbers";
import { fitting, splitFor } from "./suggest";

interface Props { projectId: string; param: RecipeParam; value: unknown; error?: string; onChange: (value: unknown) => void }

/** One parameter of a recipe, by its kind. */
export function ParamField(props: Props) {
  const { param, value, error, onChange } = props;
  const about = { label: param.title, description: param.help || undefined, error, required: !param.optional && param.kind !== "boolean" };
  if (param.kind === "model") return <ModelField {...props} />;
  if (param.kind === "dataset") return <DatasetField {...props} />;
  if (param.kind === "choice") return <Select {...about} allowDeselect={false} data={param.choices} value={value as string} onChange={onChange} />;
  if (param.kind === "boolean") return <Switch label={param.title} description={param.help || undefined} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />;
  if (param.kind === "text") return <TextInput {...about} value={String(value ?? "")} onChange={(event) => onChange(event.currentTarget.value)} />;
  return <NumberInput {...about} min={param.minimum ?? undefined} max={param.maximum ?? undefined} allowDecimal={param.kind === "number"} clampBehavior="none" hideControls={param.kind === "number"} value={value as number} onChange={(next) => onChange(next === "" ? null : next)} />;
}

function ModelField({ projectId, param, value, error, onChange }: Props) {
  const models = useQuery(modelsQuery(projectId));
  const options = (models.data ?? []).filter((model) => model.kind === param.head).map((model) => ({
    value: model.id, label: `${model.name}${model.parameters ? ` · ${formatCount(model.parameters)}` : ""}${model.state === "ready" ? "" : ` · ${model.state}`}`, disabled: model.state !== "ready",
  }));
  return (
    <Select
      label={param.title} description={param.help || undefined} required={!param.optional} clearable={param.optional} searchable data={options} value={(value as string | null) ?? null} error={error}
      placeholder={models.isPending ? "Loading" : options.length === 0 ? "No model yet: register one under Models" : "Choose a model"} nothingFoundMessage="No model is called that" onChange={onChange}
    />
  );
}

function DatasetField({ projectId, param, value, error, onChange }: Props) {
  const { data: sets = [], isPending } = useQuery(datasetsQuery(projectId));
  const chosen = value as DatasetChoice | null | undefined;
  const fits = fitting(param, sets);
  const splits = sets.find((set) => set.latest?.id === chosen?.version_id)?.latest?.splits ?? [];
  const pick = (id: string | null) => {
    const names = sets.find((set) => set.latest?.id === id)?.latest?.splits.map((split) => split.name) ?? [];
    onChange(id ? { version_id: id, split: splitFor(param, names) } : null);
  };
  return (
    <Group gap={8} align="flex-end" wrap="nowrap">
      <Select
        flex={1} label={param.title} description={param.help || undefined} required={!param.optional} clearable={param.optional} searchable error={error}
        data={fits.map((set) => ({ value: set.latest?.id ?? "", label: `${set.name} v${set.latest?.number} · ${formatCount(set.latest?.rows)} rows` }))} value={chosen?.version_id ?? null}
        placeholder={isPending ? "Loading" : fits.length === 0 ? "No data set fits: bring one under Data" : param.optional ? "None" : "Choose a data set"} nothingFoundMessage="No data set is called that" onChange={pick}
      />
      {chosen ? <Select w={110} aria-label={`Split of ${param.title.toLowerCase()}`} allowDeselect={false} data={splits.map((split) => split.name)} value={chosen.split} onChange={(split) => onChange({ ...chosen, split: split ?? chosen.split })} /> : null}
    </Group>
  );
}
