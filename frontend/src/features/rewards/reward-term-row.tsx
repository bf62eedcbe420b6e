import { ActionIcon, Collapse, Group, Select, Stack, Text, TextInput, Tooltip } from "@mantine/core";
import { IconAdjustments, IconTrash } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import type { FieldError } from "@/api/problem";
import type { Model, RewardTerm, RewardTermCard } from "@/api/shapes";
import { LoadingState } from "@/ui/loading-state";
import { checkConfig } from "@/ui/schema/config-check";
import { FieldGrid } from "@/ui/schema/field-grid";
import { fieldsOf } from "@/ui/schema/schema-fields";
import classes from "./rewards.module.css";
import { TermSteps } from "./term-steps";
import { termText } from "./transform-words";

const CodeEditor = lazy(() => import("@/ui/code-editor"));

interface Props { term: RewardTerm; card: RewardTermCard | undefined; cards: RewardTermCard[]; models: Model[]; errors: FieldError[]; disabled?: boolean; onChange: (term: RewardTerm | null) => void }

/** One term: what it measures, its weight, its model where it asks one, its settings, what is done to its value. */
export function RewardTermRow({ term, card, cards, models, errors: told, disabled, onChange }: Props) {
  const [open, setOpen] = useState(false);
  const schema = card?.params_schema;
  const codes = Object.entries(schema?.properties ?? {}).filter(([, property]) => property["x-format"] === "python").map(([key]) => key);
  const fields = schema ? fieldsOf(schema).filter((field) => !codes.includes(field.key)).map((field) => ({ ...field, key: `${term.name}-${field.key}` })) : [];
  const errors = [...(schema ? checkConfig(schema, term.params) : []), ...told.filter((error) => error.field.startsWith("params.")).map((error) => ({ ...error, field: error.field.slice("params.".length) }))];
  const others = told.filter((error) => !error.field.startsWith("params.") && error.field !== "model_id");
  const steps = termText(term);
  const setParam = (path: string[], value: unknown) => {
    const rest = Object.entries(term.params).filter(([key]) => key !== path[0]);
    onChange({ ...term, params: Object.fromEntries(value === undefined ? rest : [...rest, [path[0], value]]) });
  };
  return (
    <div className={classes.term} role="group" aria-label={`Term ${term.name}`}>
      <Group gap={8} wrap="nowrap" align="flex-end">
        <TextInput
          w={72} label="Weight" inputMode="decimal" key={term.weight} defaultValue={String(term.weight)} disabled={disabled || Boolean(term.gate)}
          onBlur={(event) => onChange({ ...term, weight: Number.isFinite(Number(event.currentTarget.value)) ? Number(event.currentTarget.value) : term.weight })}
        />
        <Select flex={1} miw={0} label="Term" data={cards.map((one) => ({ value: one.kind, label: one.title }))} value={term.kind} disabled={disabled} onChange={(kind) => kind && kind !== term.kind && onChange({ ...term, kind, params: {}, model_id: "" })} />
        <TextInput w={130} label="Curve name" key={term.name} defaultValue={term.name} disabled={disabled} visibleFrom="sm" onBlur={(event) => onChange({ ...term, name: cleanName(event.currentTarget.value) || term.name })} />
        <Tooltip label={open ? "Fold settings" : "Settings, transforms, gate"}>
          <ActionIcon size={34} aria-label={`Settings of ${term.name}`} aria-expanded={open} onClick={() => setOpen(!open)} color={Object.keys(term.params).length || steps ? "var(--ls-accent)" : "var(--ls-muted)"}><IconAdjustments size={16} /></ActionIcon>
        </Tooltip>
        <Tooltip label="Remove the term"><ActionIcon size={34} aria-label={`Remove ${term.name}`} disabled={disabled} onClick={() => onChange(null)}><IconTrash size={16} /></ActionIcon></Tooltip>
      </Group>
      <Text size="xs" c="dimmed" mt={4}>{card ? `${card.summary}${card.range ? ` Range: ${card.range}.` : ""}` : `No worker knows the term ${term.kind}.`}</Text>
      {steps ? <Text size="xs" mt={4} ff="monospace">{steps}</Text> : null}
      {others.map((error) => <Text key={`${error.field}${error.message}`} size="xs" c="var(--ls-bad)" role="alert">{error.message}</Text>)}
      {card?.model ? <ModelChoice kind={card.model} required={card.model_required} models={models} value={term.model_id ?? ""} error={told.find((error) => error.field === "model_id")?.message} disabled={disabled} onChange={(model) => onChange({ ...term, model_id: model })} /> : null}
      {codes.map((key) => (
        <Stack key={key} gap={4} mt={8} className={classes.code}>
          <Text size="xs" c="dimmed">{schema?.properties?.[key]?.description}</Text>
          <Suspense fallback={<LoadingState rows={5} />}>
            <CodeEditor label={`Function of ${term.name}`} language="python" readOnly={disabled ?? false} value={String(term.params[key] ?? schema?.properties?.[key]?.default ?? "")} onChange={(text) => text !== String(term.params[key] ?? schema?.properties?.[key]?.default ?? "") && setParam([key], text)} />
          </Suspense>
        </Stack>
      ))}
      <Collapse expanded={open || errors.length > 0}>
        {open || errors.length > 0 ? (
          <div className={classes.params}>
            {fields.length > 0 ? <FieldGrid fields={fields} values={term.params} errors={errors.map((error) => ({ ...error, field: `${term.name}-${error.field}` }))} disabled={disabled} onChange={setParam} /> : null}
            <TermSteps term={term} disabled={disabled} onChange={onChange} />
          </div>
        ) : null}
      </Collapse>
    </div>
  );
}

function ModelChoice({ kind, required, models, value, error, disabled, onChange }: { kind: Model["kind"]; required: boolean; models: Model[]; value: string; error?: string; disabled?: boolean; onChange: (id: string) => void }) {
  const fitting = models.filter((model) => model.kind === kind);
  const data = fitting.map((model) => ({ value: model.id, label: model.name, disabled: model.state !== "ready" }));
  const lost = value && !fitting.some((model) => model.id === value) ? [{ value, label: value, disabled: true }] : [];
  return (
    <Select
      mt={8} label={kind === "reward" ? "Reward model" : "Model"} required={required} clearable={!required} allowDeselect={!required} searchable data={[...data, ...lost]} value={value || null} disabled={disabled} error={error}
      placeholder={data.length > 0 ? "Choose a model" : kind === "reward" ? "No reward model yet: train one (methods that begin with rm-)" : "No model yet"} nothingFoundMessage="No model is called that" onChange={(id) => onChange(id ?? "")}
    />
  );
}

function cleanName(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9_]+/g, "_").replace(/^[^a-z]+/, "").slice(0, 40);
}
