import { Button, Checkbox, Group, Popover, ScrollArea, Stack, Text, TextInput } from "@mantine/core";
import { IconLayersSubtract } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { runsQuery } from "@/api/runs";
import type { Run } from "@/api/shapes";
import { formatNumber } from "@/ui/numbers";
import { RunDot } from "@/ui/run-dot";

const MOST = 7;

/** Picks other runs of the project to draw over this one. */
export function OverlayPicker({ run, over, opened, onOpened, onOver }: {
  run: Run; over: string[]; opened: boolean; onOpened: (open: boolean) => void; onOver: (ids: string[]) => void;
}) {
  const [q, setQ] = useState("");
  const runs = useInfiniteQuery({ ...runsQuery(run.project_id, { q: q || undefined, sort: "-created_at" }, 50), enabled: opened });
  const others = (runs.data?.pages.flatMap((page) => page.items) ?? []).filter((other) => other.id !== run.id);
  const flip = (id: string): void => onOver(over.includes(id) ? over.filter((one) => one !== id) : [...over, id].slice(-MOST));
  return (
    <Popover opened={opened} onChange={onOpened} position="bottom-end" width={320} trapFocus>
      <Popover.Target>
        <Button variant="default" size="compact-xs" leftSection={<IconLayersSubtract size={14} />} onClick={() => onOpened(!opened)} title="Lay other runs over this one (o)">
          {over.length > 0 ? `Overlay ${over.length}` : "Overlay"}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <TextInput aria-label="Find a run" placeholder="Find a run" value={q} onChange={(event) => setQ(event.currentTarget.value)} mb={8} data-autofocus />
        <ScrollArea.Autosize mah={260}>
          <Stack gap={4}>
            {others.map((other) => (
              <Checkbox
                key={other.id}
                size="xs"
                checked={over.includes(other.id)}
                onChange={() => flip(other.id)}
                label={
                  <Group gap={8} wrap="nowrap">
                    <RunDot slot={other.colour} />
                    <span>{other.name}</span>
                    <Text size="xs" c="dimmed">{other.method} · {formatNumber(other.metrics.reward ?? other.metrics.loss, 3)}</Text>
                  </Group>
                }
              />
            ))}
            {!runs.isPending && others.length === 0 && <Text c="dimmed">{q ? "No other run by that name." : "No other run in this project yet."}</Text>}
          </Stack>
        </ScrollArea.Autosize>
        {over.length > 0 && <Button mt={8} variant="subtle" size="compact-xs" onClick={() => onOver([])}>Remove all</Button>}
      </Popover.Dropdown>
    </Popover>
  );
}
