import { Button, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { algorithmsQuery } from "@/api/algorithms";
import type { Created } from "@/api/datasets";
import { Problem } from "@/api/problem";
import type { Job, RecordKind, WorldCard } from "@/api/shapes";
import { createWorldDataset, previewWorld, type WorldPreview } from "@/api/worlds";
import { JobLine } from "./job-line";
import { RecordView } from "./record-view";
import { FailedState } from "@/ui/failed-state";
import { formatCount } from "@/ui/numbers";
import { checkConfig } from "@/ui/schema/config-check";
import { FieldGrid } from "@/ui/schema/field-grid";
import { fieldsOf } from "@/ui/schema/schema-fields";
import { type Choice, fittingWorlds, suggestedName, withKnob, withWorld } from "./world-choice";

interface Props { projectId: string; opened: boolean; kinds?: RecordKind[]; onClose: () => void; onCreated: (created: Created) => void }

/** A generated world as a new data set: which one, its knobs and seed, a look at the first rows. `kinds` leaves only what these fit. */
export function WorldDialog({ projectId, opened, kinds, onClose, onCreated }: Props) {
  const catalogue = useQuery({ ...algorithmsQuery, enabled: opened });
  const worlds = useMemo(() => fittingWorlds(catalogue.data?.worlds ?? [], kinds), [catalogue.data, kinds]);
  return (
    <Modal opened={opened} onClose={onClose} title="Generate a world" size="lg">
      {catalogue.isError ? <FailedState error={catalogue.error} /> : null}
      {worlds.length > 0 ? <Form projectId={projectId} worlds={worlds} onCreated={onCreated} /> : catalogue.data ? <Text c="dimmed">No world makes rows of this kind.</Text> : null}
    </Modal>
  );
}

function Form({ projectId, worlds, onCreated }: { projectId: string; worlds: WorldCard[]; onCreated: (created: Created) => void }) {
  const [choice, setChoice] = useState<Choice>(() => withWorld(null, worlds[0] as WorldCard));
  const [name, setName] = useState<string | null>(null);
  const [shown, setShown] = useState<WorldPreview | null>(null);
  const world = worlds.find((one) => one.name === choice.world) ?? (worlds[0] as WorldCard);
  const part = world.parts.find((one) => one.name === choice.part);
  const fields = useMemo(() => fieldsOf(world.knobs_schema), [world]);
  const body = { part: choice.part, knobs: choice.knobs };
  const preview = useMutation({ mutationFn: () => previewWorld(projectId, world.name, body) });
  const called = name ?? suggestedName(world, choice);
  const create = useMutation({ mutationFn: () => createWorldDataset(projectId, world.name, { ...body, name: called.trim() }) });
  const said = [create.error, preview.error].find((error) => error instanceof Problem);
  const errors = [...checkConfig(world.knobs_schema, choice.knobs), ...(said?.errors ?? []).map((error) => ({ ...error, field: error.field.replace(/^knobs\./, "") }))];
  const known = new Set(fields.map((field) => field.key));
  const unplaced = [create.error, preview.error].find((error) => error && !(error instanceof Problem && error.errors.length > 0 && error.errors.every((one) => known.has(one.field.replace(/^knobs\./, "")))));
  const choose = (next: Choice): void => {
    setChoice(next);
    setShown(null);
    preview.reset();
    create.reset();
  };
  const made = (job: Job): void => {
    if (job.state === "succeeded" && create.data) onCreated(create.data);
  };
  return (
    <form onSubmit={(event) => { event.preventDefault(); create.mutate(); }}>
      <Stack gap={12}>
        <Group grow align="flex-start">
          <Select label="World" data={worlds.map((one) => ({ value: one.name, label: one.title }))} value={world.name} allowDeselect={false} onChange={(value) => { const next = worlds.find((one) => one.name === value); if (next) choose(withWorld(choice, next)); }} />
          <Select label="Rows" data={world.parts.map((one) => ({ value: one.name, label: one.title }))} value={choice.part} allowDeselect={false} onChange={(value) => choose({ ...choice, part: value ?? choice.part })} />
        </Group>
        <Text size="xs" c="dimmed">{world.summary} {part?.summary}</Text>
        <FieldGrid fields={fields} values={choice.knobs} errors={errors} onChange={(path, value) => choose(withKnob(choice, path, value))} />
        <TextInput label="Name" required maxLength={120} value={called} onChange={(event) => setName(event.currentTarget.value)} />
        {unplaced ? <FailedState error={unplaced} /> : null}
        {preview.data && !shown ? <JobLine jobId={preview.data.id} what="Generating" onEnd={(job) => setShown((job.result as WorldPreview | null) ?? null)} /> : null}
        {shown ? <Shown preview={shown} /> : null}
        {create.data ? <JobLine jobId={create.data.job.id} what="Generating" onEnd={made} /> : null}
        <Group justify="flex-end">
          <Button variant="default" loading={preview.isPending} disabled={errors.length > 0} onClick={() => { setShown(null); preview.mutate(); }}>Show some rows</Button>
          <Button type="submit" loading={create.isPending} disabled={errors.length > 0 || !called.trim() || create.isSuccess}>Make data set</Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The first rows of each split; what every row says of its world is left out. */
function Shown({ preview }: { preview: WorldPreview }) {
  return (
    <Stack gap={8} role="region" aria-label="First rows">
      {preview.splits.map((split) => (
        <div key={split.name}>
          <Text fw={600}>{split.name} · {formatCount(split.rows)} rows</Text>
          {split.first.slice(0, 2).map((row, index) => <RecordView key={index} record={{ ...row, world: undefined }} clamp />)}
        </div>
      ))}
    </Stack>
  );
}
