import { Button, Group, List, Modal, Stack, Text } from "@mantine/core";
import type { RecipeRun } from "@/api/shapes";
import { doneAnew } from "./graph-layout";

interface Props { run: RecipeRun; stage: string; busy: boolean; onClose: () => void; onRestart: () => void }

/** What a restart from a stage will do anew and what it will reuse. */
export function RestartDialog({ run, stage, busy, onClose, onRestart }: Props) {
  const again = doneAnew(run.stages, stage);
  const done = run.stages.filter((one) => one.state === "succeeded" || one.state === "reused");
  const reused = done.filter((one) => !again.includes(one.name)).map((one) => one.title);
  const anew = run.stages.filter((one) => !reused.includes(one.title)).map((one) => one.title);
  return (
    <Modal opened onClose={onClose} title="Restart from here">
      <Stack gap={12}>
        <Text>A new run of the recipe begins. This one stays as it is.</Text>
        <Named title="Reused" names={reused} none="nothing" />
        <Named title="Done anew" names={anew} none="nothing" />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button loading={busy} onClick={onRestart} data-autofocus>Restart</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Named({ title, names, none }: { title: string; names: string[]; none: string }) {
  return (
    <div>
      <Text component="h3" fz={13} fw={600}>{title}</Text>
      {names.length > 0 ? <List size="sm">{names.map((name) => <List.Item key={name}>{name}</List.Item>)}</List> : <Text c="dimmed">{none}</Text>}
    </div>
  );
}
