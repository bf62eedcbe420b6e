import { ActionIcon, Button, Checkbox, Group, Menu, NumberInput, Select, Stack, Text } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconPlus, IconTrash } from "@tabler/icons-react";
import type { RewardGate, RewardTerm, RewardTransform } from "@/api/shapes";
import classes from "./rewards.module.css";
import { moved, TRANSFORMS, type TransformKind } from "./transform-words";

interface Props { term: RewardTerm; disabled?: boolean; onChange: (term: RewardTerm) => void }
const KINDS = Object.keys(TRANSFORMS) as TransformKind[];
const OPEN: RewardGate = { at_least: 0.5, at_most: null, otherwise: 0 };

/** What is done to a term's value in order, and whether it decides as a gate in place of being added. */
export function TermSteps({ term, disabled, onChange }: Props) {
  const transforms = term.transforms ?? [];
  const set = (next: RewardTransform[]) => onChange({ ...term, transforms: next });
  return (
    <Stack gap={8}>
      {transforms.map((transform, index) => (
        <Step
          key={index} transform={transform} number={index + 1} last={index === transforms.length - 1} disabled={disabled} name={term.name}
          onChange={(next) => set(transforms.map((one, at) => (at === index ? next : one)))}
          onRemove={() => set(transforms.filter((_, at) => at !== index))} onMove={(by) => set(moved(transforms, index, by))}
        />
      ))}
      <Group gap={12} align="center">
        <Menu position="bottom-start" width={320} shadow="md">
          <Menu.Target><Button variant="default" size="compact-sm" leftSection={<IconPlus size={14} />} disabled={disabled || transforms.length >= 8}>Add transform</Button></Menu.Target>
          <Menu.Dropdown>
            {KINDS.map((kind) => (
              <Menu.Item key={kind} onClick={() => set([...transforms, TRANSFORMS[kind].fresh])}>
                <Text fw={600}>{TRANSFORMS[kind].title}</Text><Text size="xs" c="dimmed">{TRANSFORMS[kind].help}</Text>
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
        <Checkbox label="Gate: decides, adds nothing" checked={Boolean(term.gate)} disabled={disabled} onChange={(event) => onChange({ ...term, gate: event.currentTarget.checked ? OPEN : null })} />
      </Group>
      {term.gate ? <GateFields gate={term.gate} disabled={disabled} onChange={(gate) => onChange({ ...term, gate })} /> : null}
    </Stack>
  );
}

interface StepProps { transform: RewardTransform; number: number; last: boolean; name: string; disabled?: boolean; onChange: (transform: RewardTransform) => void; onRemove: () => void; onMove: (by: -1 | 1) => void }

function Step({ transform, number, last, name, disabled, onChange, onRemove, onMove }: StepProps) {
  const known = TRANSFORMS[transform.kind];
  const values = transform as unknown as Record<string, number | null>;
  const what = `${known.title.toLowerCase()} of ${name}`;
  return (
    <div className={classes.step}>
      <Text size="xs" c="dimmed" w={16} pb={8}>{number}</Text>
      <Text w={86} pb={6} title={known.help}>{known.title}</Text>
      {known.knobs.map((knob) => (
        <Numeric key={knob.key} label={knob.label} value={values[knob.key] ?? null} optional={knob.optional} disabled={disabled} onChange={(value) => onChange({ ...transform, [knob.key]: value } as RewardTransform)} />
      ))}
      {transform.kind === "whiten" ? <Select w={150} label="Over" data={[{ value: "batch", label: "the step's answers" }, { value: "group", label: "each prompt's" }]} value={transform.over} disabled={disabled} onChange={(over) => over && onChange({ kind: "whiten", over: over as "batch" | "group" })} /> : null}
      <Group gap={0} wrap="nowrap" ml="auto" pb={2}>
        <ActionIcon aria-label={`Move ${what} up`} disabled={disabled || number === 1} onClick={() => onMove(-1)}><IconArrowUp size={14} /></ActionIcon>
        <ActionIcon aria-label={`Move ${what} down`} disabled={disabled || last} onClick={() => onMove(1)}><IconArrowDown size={14} /></ActionIcon>
        <ActionIcon aria-label={`Remove ${what}`} disabled={disabled} onClick={onRemove}><IconTrash size={14} /></ActionIcon>
      </Group>
    </div>
  );
}

function GateFields({ gate, disabled, onChange }: { gate: RewardGate; disabled?: boolean; onChange: (gate: RewardGate) => void }) {
  return (
    <Group gap={8} align="flex-end">
      <Numeric label="Open from" value={gate.at_least} optional disabled={disabled} onChange={(value) => onChange({ ...gate, at_least: value })} />
      <Numeric label="Open up to" value={gate.at_most} optional disabled={disabled} onChange={(value) => onChange({ ...gate, at_most: value })} />
      <Numeric label="Else the reward is" value={gate.otherwise} disabled={disabled} onChange={(value) => onChange({ ...gate, otherwise: value ?? 0 })} />
    </Group>
  );
}

function Numeric({ label, value, optional = false, disabled, onChange }: { label: string; value: number | null; optional?: boolean; disabled?: boolean; onChange: (value: number | null) => void }) {
  return <NumberInput w={110} label={label} value={value ?? ""} hideControls disabled={disabled} placeholder={optional ? "none" : undefined} onChange={(typed) => (typed === "" ? optional && onChange(null) : typeof typed === "number" && onChange(typed))} />;
}
