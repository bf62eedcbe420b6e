import { Button, Chip, Group, SegmentedControl, Slider, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconPlayerPlay, IconSearch, IconX } from "@tabler/icons-react";
import type { Ref } from "react";
import { AXIS_MODES, type AxisMode } from "@/charts/axis";
import classes from "./curves.module.css";
import type { CurvesSearch } from "./use-chart-view";

interface Props {
  search: CurvesSearch;
  onSearch: (change: Partial<CurvesSearch>) => void;
  held: boolean;
  onHeld: (held: boolean) => void;
  slider: Ref<HTMLDivElement>;
  find: Ref<HTMLInputElement>;
  children?: React.ReactNode;
}

/** How the curves are looked at: x axis, log scale, smoothing, zoom. Each has its key, and lives in the address. */
export function CurvesToolbar({ search, onSearch, held, onHeld, slider, find, children }: Props) {
  const typed = useDebouncedCallback((q: string) => onSearch({ q: q.trim() || undefined }), 200);
  return (
    <div className={classes.toolbar}>
      <SegmentedControl
        size="xs"
        aria-label="X axis (e)"
        value={search.x ?? "step"}
        onChange={(x) => onSearch({ x: x as AxisMode })}
        data={AXIS_MODES.map((mode) => ({ value: mode, label: mode }))}
      />
      <Chip size="xs" checked={search.y === "log"} onChange={(on) => onSearch({ y: on ? "log" : "linear" })}>log</Chip>
      <Group gap={8} wrap="nowrap" ref={slider}>
        <Text size="xs" c="dimmed">smooth</Text>
        <Slider
          w={110}
          size={4}
          thumbSize={14}
          min={0}
          max={99}
          label={(value) => (value === 0 ? "off" : `${value} %`)}
          value={search.smooth ?? 0}
          onChange={(smooth) => onSearch({ smooth: smooth === 0 ? undefined : smooth })}
          thumbLabel="Smoothing"
        />
      </Group>
      {search.zoom && <Button variant="light" size="compact-xs" rightSection={<IconX size={12} />} onClick={() => onSearch({ zoom: undefined })} title="Reset zoom (z)">steps {search.zoom}</Button>}
      {held && <Button variant="light" size="compact-xs" leftSection={<IconPlayerPlay size={12} />} onClick={() => onHeld(false)} title="Let the curves move (space)">held</Button>}
      {children}
      <TextInput ref={find} size="xs" w={170} ml="auto" aria-label="Find a chart (/)" placeholder="Find a chart" leftSection={<IconSearch size={14} />} defaultValue={search.q} onChange={(event) => typed(event.currentTarget.value)} onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()} />
    </div>
  );
}
