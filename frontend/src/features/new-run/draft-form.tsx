import { Alert, Divider, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import type { FieldError } from "@/api/problem";
import type { AlgorithmConfig, DataNeed, Dataset, DatasetChoice, MethodCard, RunDraft } from "@/api/shapes";
import { ConfigForm } from "./config-form";
import { DataPicker } from "./data-picker";
import type { Path } from "./draft-document";
import { ModelPicker } from "./model-picker";
import { PresetBar } from "./preset-bar";
import { RunSettings } from "./run-settings";

interface Props {
  projectId: string; draft: RunDraft; card: MethodCard; errors: FieldError[]; readable: boolean; reward: ReactNode;
  onGenerate: (need: DataNeed) => void; onData: (choice: DatasetChoice | undefined, set: Dataset | undefined) => void;
  onChange: (path: Path, value: unknown) => void; onSaved: (config: AlgorithmConfig) => void;
}

/** The form's view of the document: model, data, reward, settings, the run itself. */
export function DraftForm({ projectId, draft, card, errors, readable, reward, onGenerate, onData, onChange, onSaved }: Props) {
  const disabled = !readable;
  const chooseData = (role: string, choice: DatasetChoice | undefined, set: Dataset | undefined): void => {
    if (role === "train") onData(choice, set);
    else onChange(["datasets", role], choice);
  };
  const errorOf = (field: string) => errors.find((error) => error.field === field || error.field.startsWith(`${field}.`))?.message;
  const configErrors = errors.filter((error) => error.field.startsWith("config.")).map((error) => ({ ...error, field: error.field.slice("config.".length) }));
  return (
    <Stack gap={16}>
      {disabled ? <Alert color="var(--ls-bad)" variant="outline">The YAML cannot be read. Mend it there; then the form works again.</Alert> : null}
      <PresetBar projectId={projectId} card={card} draft={draft} onPreset={(config) => onChange(["config"], config)} onSaved={onSaved} />
      <Stack gap={12}>
        {card.models.map((need) => (
          <ModelPicker key={need.role} projectId={projectId} {...need} value={draft.models[need.role]} disabled={disabled} error={errorOf(`models.${need.role}`)} onChange={(id) => onChange(["models", need.role], id)} />
        ))}
        {card.data.map((need) => (
          <DataPicker key={need.role} projectId={projectId} need={need} value={draft.datasets[need.role]} disabled={disabled} error={errorOf(`datasets.${need.role}`)} onGenerate={need.required ? () => onGenerate(need) : undefined} onChange={(choice, set) => chooseData(need.role, choice, set)} />
        ))}
      </Stack>
      {reward ? (
        <>
          <Divider />
          {reward}
        </>
      ) : null}
      <Divider />
      <ConfigForm schema={card.config_schema} config={draft.config} errors={configErrors} disabled={disabled} onChange={(path, value) => onChange(["config", ...path], value)} />
      <Divider />
      <Stack gap={8}>
        <Text fw={600}>Run</Text>
        <RunSettings draft={draft} disabled={disabled} errorOf={errorOf} onChange={onChange} />
      </Stack>
    </Stack>
  );
}
