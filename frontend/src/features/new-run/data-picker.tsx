import { Button, Group, Input, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { datasetsQuery } from "@/api/datasets";
import type { DataNeed, Dataset, DatasetChoice } from "@/api/shapes";
import { formatCount } from "@/ui/numbers";
import { kindsText, unfit } from "./readiness";

interface Props { projectId: string; need: DataNeed; value: DatasetChoice | undefined; onGenerate?: () => void; disabled?: boolean; error?: string; held?: boolean; onChange: (choice: DatasetChoice | undefined, set: Dataset | undefined) => void }

/** A version of a data set, its split, and at most how many rows. What does not fit is shown with its reason. `held`: a split kept back from training comes first. */
export function DataPicker({ projectId, need, value, disabled, error, held = need.role === "eval", onGenerate, onChange }: Props) {
  const { data: sets = [], isPending } = useQuery(datasetsQuery(projectId));
  const options = sets.filter((set) => set.latest).map((set) => {
    const reason = unfit(need, set);
    return { value: set.latest?.id ?? "", label: `${set.name} v${set.latest?.number}${reason ? ` · ${reason}` : ` · ${formatCount(set.latest?.rows)} rows`}`, disabled: reason !== null };
  }).toSorted((a, b) => Number(a.disabled) - Number(b.disabled));
  const chosen = sets.find((set) => set.latest?.id === value?.version_id)?.latest;
  const splits = chosen?.splits.map((split) => ({ value: split.name, label: `${split.name} · ${formatCount(split.rows)}` })) ?? (value ? [{ value: value.split, label: value.split }] : []);
  const all = value && !options.some((one) => one.value === value.version_id) ? [...options, { value: value.version_id, label: `${value.version_id} · an earlier version`, disabled: false }] : options;
  const pick = (id: string | null) => {
    const set = sets.find((one) => one.latest?.id === id);
    const names = set?.latest?.splits.map((split) => split.name) ?? [];
    const wanted = held ? names.find((name) => name !== "train") : names.find((name) => name === "train");
    onChange(id ? { version_id: id, split: wanted ?? names[0] ?? "train" } : undefined, set);
  };
  return (
    <Input.Wrapper label={labelOf(need.role)} description={need.help || undefined} required={need.required} inputWrapperOrder={["label", "description", "input"]}>
      <Group gap={8} align="flex-start" mt={need.help ? 4 : 0}>
        <Select
          flex={1} miw={220} aria-label={labelOf(need.role)} aria-required={need.required} searchable clearable={!need.required} data={all} value={value?.version_id ?? null} disabled={disabled} error={error}
          placeholder={isPending ? "Loading" : sets.length === 0 ? "No data yet: bring some under Data" : need.required ? `Choose ${kindsText(need.kinds)}` : "None"} nothingFoundMessage="No data set is called that" onChange={pick}
        />
        {value ? <Select w={150} aria-label={`Split of ${labelOf(need.role).toLowerCase()}`} data={splits} value={value.split} disabled={disabled} onChange={(split) => onChange({ ...value, split: split ?? value.split }, undefined)} /> : null}
        {value ? (
          <TextInput
            w={96} aria-label={`At most this many rows of ${labelOf(need.role).toLowerCase()}`} placeholder="all rows" inputMode="numeric" disabled={disabled} key={value.limit ?? "all"} defaultValue={value.limit ?? ""}
            onBlur={(event) => onChange({ ...value, limit: Number.parseInt(event.currentTarget.value, 10) || undefined }, undefined)}
          />
        ) : null}
        {onGenerate ? <Button variant="default" disabled={disabled} onClick={onGenerate}>Generate</Button> : null}
      </Group>
    </Input.Wrapper>
  );
}

function labelOf(role: string): string {
  return role === "train" ? "Data" : role === "eval" ? "Evaluate on" : `${role[0]?.toUpperCase()}${role.slice(1)} data`;
}
