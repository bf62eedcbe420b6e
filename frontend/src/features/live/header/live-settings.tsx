import { Button, Group, Popover, Stack, Text, TextInput } from "@mantine/core";
import { IconAdjustments } from "@tabler/icons-react";
import { useState } from "react";
import type { JsonSchema, MethodCard, Run } from "@/api/shapes";
import { formatNumber } from "@/ui/numbers";
import { useFeedState, useRun } from "../run-context";
import { allowed } from "./run-controls";
import type { RunDeeds } from "./use-run-deeds";

export interface LiveField {
  name: string;
  title: string;
  help: string;
  unit: string;
  value: number | null;
  min?: number;
  max?: number;
}

/** The fields the method lets change while it runs, with their value of this moment. */
export function liveFields(method: MethodCard | undefined, run: Run, live: Record<string, number>): LiveField[] {
  const config = (run.spec.config ?? {}) as Record<string, unknown>;
  return (method?.live_fields ?? []).map((name) => {
    const schema = schemaAt(method?.config_schema, name);
    const frozen = name.split(".").reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], config);
    const value = live[name] ?? run.live[name] ?? (typeof frozen === "number" ? frozen : null);
    return { name, title: schema?.title ?? name, help: schema?.description ?? "", unit: schema?.["x-unit"] ?? "", value, min: schema?.minimum ?? schema?.exclusiveMinimum, max: schema?.maximum ?? schema?.exclusiveMaximum };
  });
}

function schemaAt(schema: JsonSchema | undefined, path: string): JsonSchema | undefined {
  return path.split(".").reduce<JsonSchema | undefined>((at, key) => at?.properties?.[key], schema);
}

/** Changes take hold at the next step's start and leave a ▲ on the curves. */
export function LiveSettings({ opened, onOpened, deeds }: { opened: boolean; onOpened: (open: boolean) => void; deeds: RunDeeds }) {
  const { run, feed, method, canEdit } = useRun();
  const { view } = useFeedState(feed);
  const fields = liveFields(method, run, view.live);
  const allow = allowed(run, "set", canEdit);
  const why = fields.length === 0 ? "This method has no setting that may change while it runs." : allow.why;
  return (
    <Popover opened={opened} onChange={onOpened} position="bottom-end" width={320} trapFocus>
      <Popover.Target>
        <Button variant="default" leftSection={<IconAdjustments size={16} />} disabled={why !== ""} title={why || "Live settings (L)"} onClick={() => onOpened(!opened)}>Live settings</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap={12}>
          {fields.map((field) => <FieldRow key={field.name} field={field} onSet={(value) => deeds.set(field.name, value)} />)}
          <Text size="xs" c="dimmed">Takes hold at the next step and is marked ▲ on the curves.</Text>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function FieldRow({ field, onSet }: { field: LiveField; onSet: (value: number) => Promise<boolean> }) {
  const [draft, setDraft] = useState("");
  const next = draft.trim() === "" ? NaN : Number(draft);
  const fault = draft.trim() !== "" && (!Number.isFinite(next) || next < (field.min ?? -Infinity) || next > (field.max ?? Infinity));
  const change = Number.isFinite(next) && !fault && next !== field.value;
  const apply = async (): Promise<void> => {
    if (change && (await onSet(next))) setDraft("");
  };
  return (
    <form onSubmit={(event) => { event.preventDefault(); void apply(); }}>
      <Group gap={8} align="flex-end" wrap="nowrap">
        <TextInput
          flex={1}
          inputMode="decimal"
          label={field.title}
          description={field.help}
          placeholder={formatNumber(field.value)}
          value={draft}
          onChange={(event) => setDraft(event.currentTarget.value)}
          error={fault ? `A number from ${field.min ?? "−∞"} to ${field.max ?? "∞"}, such as 5e-5.` : undefined}
        />
        <Button type="submit" disabled={!change}>Set</Button>
      </Group>
      <Text size="xs" c={change ? undefined : "dimmed"} mt={4}>
        {change ? `${formatNumber(field.value)} → ${formatNumber(next)}` : `now ${formatNumber(field.value)} ${field.unit}`}
      </Text>
    </form>
  );
}
