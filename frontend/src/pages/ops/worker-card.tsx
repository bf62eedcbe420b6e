import { Group, Stack, Text } from "@mantine/core";
import type { Worker } from "@/api/shapes";
import { CopyId } from "@/ui/copy-id";
import { formatBytes, formatCount } from "@/ui/numbers";
import { Panel } from "@/ui/panel";
import { Time } from "@/ui/time";
import classes from "./worker-card.module.css";

/** One host: its places, what they do, what it has. */
export function WorkerCard({ worker }: { worker: Worker }) {
  const free = Math.max(0, worker.slots - worker.running.length);
  const state = worker.online ? (worker.leaving ? "leaving" : "online") : "silent";
  const colour = worker.online ? (worker.leaving ? "var(--ls-warn)" : "var(--ls-ok)") : "var(--ls-bad)";
  return (
    <Panel title={worker.host} actions={<Text size="xs" style={{ color: colour }} fw={600}>● {state}</Text>}>
      <Stack gap={8}>
        <div className={classes.slots} role="img" aria-label={`${worker.running.length} of ${worker.slots} places taken`}>
          {Array.from({ length: Math.max(worker.slots, worker.running.length) }, (_, index) => <span key={index} data-taken={index < worker.running.length || undefined} />)}
        </div>
        <Text>{free} of {worker.slots} {worker.slots === 1 ? "place" : "places"} free{worker.gpus.length ? ` · ${worker.gpus.length} ${worker.gpus.length === 1 ? "GPU" : "GPUs"}` : " · CPU only"}</Text>
        <Text size="xs" c="dimmed">{hostFacts(worker)}</Text>
        {worker.running.length > 0 ? <Group gap={8}>{worker.running.map((id) => <CopyId key={id} id={id} short />)}</Group> : null}
        <Text size="xs" c="dimmed">seen <Time at={worker.last_seen} /> · process {worker.pid} · queues {worker.queues.join(", ") || "none"}</Text>
      </Stack>
    </Panel>
  );
}

function hostFacts(worker: Worker): string {
  const number = (value: unknown) => (typeof value === "number" ? value : null);
  const parts = [
    number(worker.cpu.cores) === null ? "" : `${formatCount(number(worker.cpu.cores))} cores`,
    number(worker.cpu.percent) === null ? "" : `CPU ${formatCount(number(worker.cpu.percent))} %`,
    number(worker.memory.available_bytes) === null ? "" : `${formatBytes(number(worker.memory.available_bytes))} of ${formatBytes(number(worker.memory.total_bytes))} memory free`,
    ...worker.gpus.map((gpu) => (typeof gpu.name === "string" ? gpu.name : "")),
  ];
  return parts.filter(Boolean).join(" · ");
}
