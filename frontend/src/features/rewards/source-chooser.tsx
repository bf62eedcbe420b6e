import { Button, Group, NumberInput, SegmentedControl, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { datasetsQuery } from "@/api/datasets";
import { runsQuery } from "@/api/runs";
import { type On, type Pasted, type SourceSearch, usual } from "./try-source";

interface Props { projectId: string; search: SourceSearch; pasted: Pasted; all: boolean; onSearch: (search: SourceSearch) => void; onPaste: (pasted: Pasted) => void }

/** On what the reward is tried: pasted text, rows of a data set, or what an earlier run wrote. */
export function SourceChooser({ projectId, search, pasted, all, onSearch, onPaste }: Props) {
  const on = search.on ?? "text";
  return (
    <Stack gap={8}>
      <SegmentedControl
        aria-label="Try on" value={on} onChange={(value) => onSearch({ on: value as On })}
        data={[{ value: "text", label: "Text" }, { value: "rows", label: "Data set" }, { value: "rollouts", label: "Run's rollouts" }]}
      />
      {on === "text" ? <PastedText pasted={pasted} onPaste={onPaste} /> : null}
      {on === "rows" ? <RowsChoice projectId={projectId} search={search} all={all} onSearch={onSearch} /> : null}
      {on === "rollouts" ? <RolloutsChoice projectId={projectId} search={search} all={all} onSearch={onSearch} /> : null}
    </Stack>
  );
}

function PastedText({ pasted, onPaste }: Pick<Props, "pasted" | "onPaste">) {
  return (
    <Stack gap={8}>
      <Textarea label="Prompt" autosize minRows={1} maxRows={6} value={pasted.prompt} onChange={(event) => onPaste({ ...pasted, prompt: event.currentTarget.value })} />
      <TextInput label="Reference answer" description="For terms that compare; leave empty for none." value={pasted.reference} onChange={(event) => onPaste({ ...pasted, reference: event.currentTarget.value })} />
      {pasted.answers.map((answer, index) => (
        <Textarea key={index} label={`Answer ${index + 1}`} autosize minRows={1} maxRows={8} value={answer} onChange={(event) => onPaste({ ...pasted, answers: pasted.answers.map((one, at) => (at === index ? event.currentTarget.value : one)) })} />
      ))}
      <Group><Button variant="default" size="compact-sm" leftSection={<IconPlus size={14} />} disabled={pasted.answers.length >= 32} onClick={() => onPaste({ ...pasted, answers: [...pasted.answers, ""] })}>Add answer</Button></Group>
    </Stack>
  );
}

function RowsChoice({ projectId, search, all, onSearch }: Pick<Props, "projectId" | "search" | "all" | "onSearch">) {
  const sets = (useQuery(datasetsQuery(projectId)).data ?? []).filter((set) => set.latest?.state === "ready");
  const chosen = sets.find((set) => set.latest?.id === search.set);
  return (
    <Group gap={8} align="flex-end">
      <Select flex={1} miw={180} label="Data set" searchable placeholder={sets.length > 0 ? "Choose a data set" : "No data yet: bring some under Data"} value={search.set ?? null} data={sets.map((set) => ({ value: set.latest?.id ?? "", label: set.name }))} onChange={(id) => onSearch({ ...search, set: id ?? undefined, split: sets.find((set) => set.latest?.id === id)?.latest?.splits[0]?.name })} />
      {chosen?.latest && chosen.latest.splits.length > 1 ? <Select w={120} label="Split" value={search.split ?? null} data={chosen.latest.splits.map((split) => split.name)} onChange={(split) => onSearch({ ...search, split: split ?? undefined })} /> : null}
      <Select w={170} label="Judged are" value={search.answers ?? "own"} data={[{ value: "own", label: "the rows' answers" }, { value: "reference", label: "the references" }]} onChange={(value) => onSearch({ ...search, answers: value === "reference" ? "reference" : undefined })} />
      <Count search={search} all={all} onSearch={onSearch} label="Rows" />
    </Group>
  );
}

function RolloutsChoice({ projectId, search, all, onSearch }: Pick<Props, "projectId" | "search" | "all" | "onSearch">) {
  const runs = (useInfiniteQuery(runsQuery(projectId, { sort: "-created_at" }, 50)).data?.pages[0]?.items ?? []).filter((run) => run.kind === "train" && (run.metrics.reward !== undefined || run.id === search.run));
  return (
    <Group gap={8} align="flex-end">
      <Select flex={1} miw={180} label="Run" searchable placeholder={runs.length > 0 ? "Choose a run" : "No run has written answers yet"} value={search.run ?? null} data={runs.map((run) => ({ value: run.id, label: `${run.name} · step ${run.step}` }))} onChange={(id) => onSearch({ ...search, run: id ?? undefined, step: undefined })} />
      <NumberInput w={110} label="Step" placeholder="all" hideControls min={0} allowDecimal={false} value={search.step ?? ""} onChange={(step) => onSearch({ ...search, step: typeof step === "number" ? step : undefined })} />
      <Count search={search} all={all} onSearch={onSearch} label="Prompts" />
    </Group>
  );
}

function Count({ search, all, onSearch, label }: Pick<Props, "search" | "all" | "onSearch"> & { label: string }) {
  return <NumberInput w={90} label={label} placeholder={String(usual(all))} hideControls min={1} max={500} allowDecimal={false} value={search.count ?? ""} onChange={(count) => onSearch({ ...search, count: typeof count === "number" && count >= 1 && count <= 500 ? count : undefined })} />;
}
