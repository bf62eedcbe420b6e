import { Anchor, MultiSelect, NumberInput, SegmentedControl, Select, Stack, Text, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { datasetsQuery } from "@/api/datasets";
import { artifactsQuery } from "@/api/run";
import { runsQuery } from "@/api/runs";
import { formatCount } from "@/ui/numbers";
import type { SourceDraft } from "./source-draft";

interface Props { projectId: string; value: SourceDraft; onChange: (change: Partial<SourceDraft>) => void; errors: Record<string, string> }

/** Where the pairs come from, with the fields that its kind needs. */
export function SourceFields(props: Props) {
  const { value, onChange } = props;
  return (
    <Stack gap={12}>
      <SegmentedControl
        fullWidth aria-label="Where the pairs come from" value={value.kind} onChange={(kind) => onChange({ kind: kind as SourceDraft["kind"] })}
        data={[{ value: "dataset", label: "Data set" }, { value: "samples", label: "Samples" }, { value: "rollouts", label: "Rollouts" }]}
      />
      {value.kind === "dataset" ? <FromDataset {...props} /> : value.kind === "samples" ? <FromSamples {...props} /> : <FromRollouts {...props} />}
    </Stack>
  );
}

const PAIRED = ["preference", "ranking"];

function FromDataset({ projectId, value, onChange, errors }: Props) {
  const { data: sets = [], isPending } = useQuery(datasetsQuery(projectId));
  const ready = sets.filter((set) => set.latest?.state === "ready").toSorted((a, b) => Number(PAIRED.includes(b.kind ?? "")) - Number(PAIRED.includes(a.kind ?? "")));
  const chosen = ready.find((set) => set.latest?.id === value.versionId)?.latest;
  const options = ready.map((set) => ({ value: set.latest?.id ?? "", label: `${set.name} v${set.latest?.number} · ${formatCount(set.latest?.rows)} rows${PAIRED.includes(set.kind ?? "") ? "" : " · no pairs, two columns to name"}` }));
  if (value.versionId && !options.some((one) => one.value === value.versionId)) options.push({ value: value.versionId, label: value.versionId });
  return (
    <>
      <Select label="Data set" searchable required data={options} value={value.versionId || null} error={errors["source.version_id"]} placeholder={isPending ? "Loading" : options.length === 0 ? "No data yet: bring some under Data" : "Choose pairs or rankings"} onChange={(id) => onChange({ versionId: id ?? "", split: "train" })} />
      {chosen && chosen.splits.length > 1 ? <Select label="Split" data={chosen.splits.map((split) => ({ value: split.name, label: `${split.name} · ${formatCount(split.rows)}` }))} value={value.split} onChange={(split) => onChange({ split: split ?? "train" })} /> : null}
      {chosen && !PAIRED.includes(chosen.kind ?? "") ? <TextInput label="Two columns with the answers" description="Rows of this kind hold no two answers by themselves." placeholder="answer_a, answer_b" value={value.columns} error={errors["source.columns"]} onChange={(event) => onChange({ columns: event.currentTarget.value })} /> : null}
    </>
  );
}

function FromSamples({ projectId, value, onChange, errors }: Props) {
  const runs = useInfiniteQuery(runsQuery(projectId, { q: "kind:generate state:succeeded" }, 50));
  const found = runs.data?.pages.flatMap((page) => page.items) ?? [];
  const artifacts = useQueries({ queries: found.map((run) => artifactsQuery(run.id)) }).flatMap((query, index) => (query.data ?? []).filter((one) => one.kind === "samples").map((one) => ({ value: one.id, label: found[index]?.name ?? one.run_id })));
  return (
    <>
      <MultiSelect label="Samples of the runs" description="One run, or two to compare their models on the same prompts." required data={artifacts} value={value.artifactIds} maxValues={4} error={errors["source.artifact_ids"]} placeholder={runs.isPending ? "Loading" : artifacts.length === 0 ? "No run has sampled yet" : "Choose"} onChange={(artifactIds) => onChange({ artifactIds })} />
      <Text size="xs" c="dimmed" mt={-8}>{artifacts.length === 0 ? "No model has answered prompts yet: " : "Other answers: "}<Anchor size="xs" underline="always" renderRoot={(root) => <Link to="/p/$projectId/runs/new" params={{ projectId }} search={{ method: "generate-samples" }} {...root} />}>sample answers of a model</Anchor>.</Text>
      <Select label="Compare" data={[{ value: "within", label: "Two answers of one model" }, { value: "between", label: "One answer of each of two models" }]} value={value.pair} error={errors["source.models"]} onChange={(pair) => onChange({ pair: pair as SourceDraft["pair"] })} />
      <PerPrompt value={value.perPrompt} onChange={(perPrompt) => onChange({ perPrompt })} />
    </>
  );
}

function FromRollouts({ projectId, value, onChange, errors }: Props) {
  const runs = useInfiniteQuery(runsQuery(projectId, { sort: "-created_at" }, 100));
  const options = (runs.data?.pages.flatMap((page) => page.items) ?? []).filter((run) => run.step > 0).map((run) => ({ value: run.id, label: `${run.name} · ${run.method} · step ${run.step}` }));
  if (value.runId && !options.some((one) => one.value === value.runId)) options.push({ value: value.runId, label: value.runId });
  return (
    <>
      <Select label="Run" searchable required data={options} value={value.runId || null} error={errors["source.run_id"]} placeholder={runs.isPending ? "Loading" : options.length === 0 ? "No run has rollouts yet" : "Choose a run"} onChange={(id) => onChange({ runId: id ?? "" })} />
      <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: 8 }}>
        <NumberInput label="From step" min={0} allowDecimal={false} placeholder="first" value={value.stepFrom ?? ""} error={errors["source.step_from"]} onChange={(step) => onChange({ stepFrom: step === "" ? undefined : Number(step) })} />
        <NumberInput label="To step" min={0} allowDecimal={false} placeholder="last" value={value.stepTo ?? ""} onChange={(step) => onChange({ stepTo: step === "" ? undefined : Number(step) })} />
      </div>
      <PerPrompt value={value.perPrompt} onChange={(perPrompt) => onChange({ perPrompt })} />
    </>
  );
}

function PerPrompt({ value, onChange }: { value: number; onChange: (value: number) => void }) {
  return (
    <div>
      <NumberInput label="Pairs of each prompt, at most" min={1} max={10} allowDecimal={false} value={value} onChange={(count) => onChange(Number(count) || 1)} />
      <Text size="xs" c="dimmed" mt={4}>Answers that are equal make no pair and are counted.</Text>
    </div>
  );
}
