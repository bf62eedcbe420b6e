import { Button, Group, NumberInput, Select, Text, TextInput } from "@mantine/core";
import { useSessionStorage } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { addVersion, createDataset, uploadQuery, type Created, type SplitRule } from "@/api/datasets";
import type { Dataset, Mapping, Upload } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { Panel } from "@/ui/panel";
import classes from "./data.module.css";
import { FaultList } from "./fault-list";
import { JobLine } from "./job-line";
import { MappingForm } from "./mapping-form";
import { byColumns, missingFields, nameFromFile } from "./mapping-fields";

interface Props {
  projectId: string;
  uploadId: string;
  /** The data set a new version is for; null makes a new one. */
  dataset: Dataset | null;
  onCreated: (created: Created) => void;
  onDiscard: () => void;
}

/** From a file that arrived to a version: what was found, how to read it, a name, one button. */
export function NewDataset({ projectId, uploadId, dataset, onCreated, onDiscard }: Props) {
  const upload = useQuery(uploadQuery(uploadId));
  if (upload.isError) return <FailedState error={upload.error} onRetry={() => void upload.refetch()} what="This upload" />;
  if (!upload.data) return null;
  const found = upload.data;
  if (found.state === "refused") {
    return (
      <Panel title={`${found.filename} is refused; nothing was stored`} actions={<Button variant="default" onClick={onDiscard}>Discard</Button>}>
        {found.error && <Text mb={8}>{found.error.message} {found.error.remedy}</Text>}
        <FaultList faults={found.error?.faults?.length ? found.error.faults : (found.inspection?.faults ?? [])} />
      </Panel>
    );
  }
  if (!found.inspection) {
    return <Panel title={found.filename}>{found.job_id ? <JobLine jobId={found.job_id} what="Looking at the first rows" onEnd={() => void upload.refetch()} /> : <Text c="dimmed">The file has not arrived whole. Send the rest from where it was dropped.</Text>}</Panel>;
  }
  return <Compose key={found.id} projectId={projectId} upload={found} dataset={dataset} onCreated={onCreated} onDiscard={onDiscard} />;
}

/** What one has chosen of a file; it stays over a reload of the page. */
interface Chosen { mapping: Mapping; name: string; split: SplitRule["mode"]; share: number | string; column: string | null }

function Compose({ projectId, upload, dataset, onCreated, onDiscard }: Omit<Props, "uploadId"> & { upload: Upload }) {
  const inspection = upload.inspection as NonNullable<Upload["inspection"]>;
  const [chosen, setChosen] = useSessionStorage<Chosen>({ key: `lodestar.mapping.${upload.id}`, getInitialValueInEffect: false, defaultValue: {
    mapping: inspection.detected ?? inspection.candidates[0] ?? byColumns("demonstration", {}), name: nameFromFile(upload.filename), split: "none", share: 10, column: null,
  } });
  const { mapping, name, split, share, column } = chosen;
  const choose = (change: Partial<Chosen>): void => setChosen({ ...chosen, ...change });
  const lacking = missingFields(mapping);
  const splits: SplitRule = split === "fraction" ? { mode: split, test_fraction: Number(share) / 100, seed: 0 } : split === "column" ? { mode: split, column: column ?? "" } : { mode: "none" };
  const body = { source: { upload_id: upload.id }, mapping, splits };
  const create = useMutation({ mutationFn: () => (dataset ? addVersion(dataset.id, body) : createDataset(projectId, { ...body, name: name.trim() })), onSuccess: onCreated });
  const ready = lacking.length === 0 && (dataset !== null || name.trim() !== "") && (split !== "column" || column !== null);
  return (
    <Panel
      title={`${upload.filename}: ${inspection.rows_sampled.toLocaleString("en")} rows looked at, ${inspection.columns.length} columns`}
      actions={<Button variant="subtle" size="compact-sm" onClick={onDiscard}>Discard</Button>}
    >
      <MappingForm uploadId={upload.id} inspection={inspection} mapping={mapping} onMapping={(next) => choose({ mapping: next })} />
      {inspection.faults.length > 0 && <><Text size="xs" c="var(--ls-warn)" mt={12}>Seen among the first rows</Text><FaultList faults={inspection.faults} /></>}
      <div className={classes.columns} style={{ marginTop: 16 }}>
        {!dataset && <TextInput label="Name" value={name} onChange={(event) => choose({ name: event.currentTarget.value })} required maxLength={120} />}
        <Select label="Held-out rows" value={split} onChange={(value) => choose({ split: value as SplitRule["mode"] })} data={[{ value: "none", label: "None: all rows train" }, { value: "fraction", label: "A share, drawn by prompt" }, { value: "column", label: "As a column says" }]} />
        {split === "fraction" && <NumberInput label="Share" suffix=" %" min={1} max={90} value={share} onChange={(value) => choose({ share: value })} />}
        {split === "column" && <Select label="Split column" value={column} onChange={(value) => choose({ column: value })} data={inspection.columns.map((one) => one.name)} />}
      </div>
      {create.isError && <div style={{ marginTop: 12 }}><FailedState error={create.error} /></div>}
      <Group justify="flex-end" mt={16}>
        <Button loading={create.isPending} disabled={!ready} title={lacking.length > 0 ? `Choose a column for ${lacking.join(" and ")} first.` : undefined} onClick={() => create.mutate()}>{dataset ? `Create v${(dataset.latest?.number ?? 0) + 1}` : "Create v1"}</Button>
      </Group>
    </Panel>
  );
}
