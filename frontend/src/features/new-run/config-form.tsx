import { Button, Collapse, Group, Popover, Stack, Text, TextInput, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronRight, IconSearch } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import type { FieldError } from "@/api/problem";
import type { JsonSchema } from "@/api/shapes";
import { FieldGrid, valueAt } from "@/ui/schema/field-grid";
import { type Field, fieldsOf, inUse, sectioned, shownAs } from "@/ui/schema/schema-fields";

interface Props { schema: JsonSchema; config: Record<string, unknown>; errors: FieldError[]; disabled?: boolean; onChange: (path: string[], value: unknown) => void }

/** The method's settings: at most eight in sight, the others folded, and the list of what differs from the default. */
export function ConfigForm({ schema, config, errors, disabled, onChange }: Props) {
  const fields = useMemo(() => fieldsOf(schema), [schema]);
  const [open, setOpen] = useState(false);
  const shown = inUse(fields, config);
  const advanced = shown.filter((field) => !field.basic);
  const faulty = advanced.some((field) => errors.some((error) => error.field === field.key));
  return (
    <Stack gap={12}>
      <Group justify="space-between">
        <Text fw={600}>Settings</Text>
        <Changed fields={fields} config={config} onReset={(path) => onChange(path, undefined)} />
      </Group>
      <FieldGrid fields={shown.filter((field) => field.basic)} values={config} errors={errors} disabled={disabled} onChange={onChange} />
      <UnstyledButton onClick={() => setOpen(!open)} aria-expanded={open || faulty} c="var(--ls-accent)" mih={28}>
        <Group gap={4}>{open || faulty ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />} {advanced.length} more settings</Group>
      </UnstyledButton>
      <Collapse expanded={open || faulty}>
        <Advanced fields={advanced} config={config} errors={errors} disabled={disabled} onChange={onChange} />
      </Collapse>
    </Stack>
  );
}

const MANY = 14;

/** Many fields stand under their sections' titles, and words find them. */
function Advanced({ fields, config, errors, disabled, onChange }: Omit<Props, "schema"> & { fields: Field[] }) {
  const [words, setWords] = useState("");
  if (fields.length <= MANY) return <FieldGrid fields={fields} values={config} errors={errors} disabled={disabled} onChange={onChange} />;
  const sections = sectioned(fields, words);
  return (
    <Stack gap={20}>
      <TextInput
        value={words} onChange={(event) => setWords(event.currentTarget.value)} placeholder="Find a setting" aria-label="Find a setting"
        leftSection={<IconSearch size={14} />} maw={360}
      />
      {sections.map((section) => (
        <Stack key={section.title} gap={8} component="section" aria-label={section.title}>
          <Text size="sm" fw={600} c="dimmed">{section.title}</Text>
          <FieldGrid fields={section.fields} values={config} errors={errors} disabled={disabled} onChange={onChange} />
        </Stack>
      ))}
      {sections.length === 0 && <Text c="dimmed" size="sm">No setting has these words. Settings that your choices leave without effect are not shown.</Text>}
    </Stack>
  );
}

function Changed({ fields, config, onReset }: { fields: Field[]; config: Record<string, unknown>; onReset: (path: string[]) => void }) {
  const changed = fields.filter((field) => {
    const value = valueAt(config, field.path);
    return value !== undefined && JSON.stringify(value) !== JSON.stringify(field.fallback);
  });
  if (changed.length === 0) return <Text c="dimmed" size="xs">All at their defaults</Text>;
  return (
    <Popover position="bottom-end" width={360}>
      <Popover.Target><Button variant="subtle" size="compact-sm">{changed.length} changed</Button></Popover.Target>
      <Popover.Dropdown>
        <Stack gap={4}>
          {changed.map((field) => (
            <Group key={field.key} justify="space-between" wrap="nowrap" gap={8}>
              <Text size="xs">{field.title}: <Text span c="dimmed" td="line-through">{shownAs(field, field.fallback) || "none"}</Text> {shownAs(field, valueAt(config, field.path)) || "none"}</Text>
              <Button variant="subtle" size="compact-xs" onClick={() => onReset(field.path)}>Reset</Button>
            </Group>
          ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
