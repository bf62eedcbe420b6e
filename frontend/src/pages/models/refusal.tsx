import { Stack, Text } from "@mantine/core";
import type { Model } from "@/api/shapes";
import { Panel } from "@/ui/panel";

/** Why a model was refused and what to do about it. */
export function Refusal({ model }: { model: Model }) {
  return (
    <Panel title="Refused">
      <Stack gap={8}>
        <Text>{model.error?.message ?? "The files could not be read."}</Text>
        {model.error?.remedy ? <Text c="dimmed">{model.error.remedy}</Text> : null}
        {model.error?.faults.length ? <ul>{model.error.faults.map((fault) => <li key={fault.message}>{fault.message}</li>)}</ul> : null}
        <Text size="xs" c="dimmed" ff="monospace" style={{ overflowWrap: "anywhere" }}>{model.hub_name || model.path}</Text>
      </Stack>
    </Panel>
  );
}
