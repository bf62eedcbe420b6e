import { ActionIcon, Collapse, Group, Select, Text, TextInput, Tooltip } from "@mantine/core";
import { IconAdjustments, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import type { RewardTerm, RewardTermCard } from "@/api/shapes";
import { checkConfig } from "./config-check";
import { FieldGrid } from "./field-grid";
import classes from "./reward-term-row.module.css";
import { fieldsOf } from "./schema-fields";

interface Props { term: RewardTerm; card: RewardTermCard | undefined; cards: RewardTermCard[]; disabled?: boolean; onChange: (term: RewardTerm | null) => void }

export function RewardTermRow({ term, card, cards, disabled, onChange }: Props) {
  const [open, setOpen] = useState(false);
  const fields = card ? fieldsOf(card.params_schema) : [];
  const errors = card ? checkConfig(card.params_schema, term.params) : [];
  const changed = Object.keys(term.params).length;
  const setParam = (path: string[], value: unknown) => {
    const others = Object.entries(term.params).filter(([key]) => key !== path[0]);
    onChange({ ...term, params: Object.fromEntries(value === undefined ? others : [...others, [path[0], value]]) });
  };
  return (
    <div className={classes.term}>
      <Group gap={8} wrap="nowrap" align="flex-end">
        <TextInput
          w={72} label="Weight" inputMode="decimal" key={term.weight} defaultValue={String(term.weight)} disabled={disabled}
          onBlur={(event) => onChange({ ...term, weight: Number.isFinite(Number(event.currentTarget.value)) ? Number(event.currentTarget.value) : term.weight })}
        />
        <Select flex={1} label="Term" data={cards.map((one) => ({ value: one.kind, label: one.title }))} value={term.kind} disabled={disabled} onChange={(kind) => kind && onChange({ ...term, kind, params: {} })} />
        <TextInput w={130} label="Curve name" key={term.name} defaultValue={term.name} disabled={disabled} visibleFrom="sm" onBlur={(event) => onChange({ ...term, name: cleanName(event.currentTarget.value) || term.name })} />
        {fields.length > 0 ? (
          <Tooltip label={open ? "Fold settings" : `${fields.length} settings`}>
            <ActionIcon size={34} aria-label="Settings of the term" aria-expanded={open} onClick={() => setOpen(!open)} color={changed || errors.length ? "var(--ls-accent)" : "var(--ls-muted)"}><IconAdjustments size={16} /></ActionIcon>
          </Tooltip>
        ) : null}
        <Tooltip label="Remove the term"><ActionIcon size={34} aria-label={`Remove ${term.name}`} disabled={disabled} onClick={() => onChange(null)}><IconTrash size={16} /></ActionIcon></Tooltip>
      </Group>
      <Text size="xs" c="dimmed" mt={4}>{card ? `${card.summary}${card.range ? ` Range: ${card.range}.` : ""}` : `No worker knows the term ${term.kind}.`}</Text>
      <Collapse expanded={open || errors.length > 0}>
        <div className={classes.params}><FieldGrid fields={fields} values={term.params} errors={errors} disabled={disabled} onChange={setParam} /></div>
      </Collapse>
    </div>
  );
}

function cleanName(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9_]+/g, "_").replace(/^[^a-z]+/, "").slice(0, 40);
}
