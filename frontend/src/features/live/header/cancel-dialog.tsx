import { Button, Group, Modal, Text } from "@mantine/core";

/** Cancelling cannot be undone: asked once, with what is lost. */
export function CancelDialog({ opened, step, lastCheckpoint, onClose, onCancelRun, onStop }: {
  opened: boolean; step: number; lastCheckpoint: number | null; onClose: () => void; onCancelRun: () => void; onStop: () => void;
}) {
  const lost = lastCheckpoint === null ? `all ${step} steps: there is no checkpoint yet` : `the ${Math.max(0, step - lastCheckpoint)} steps since the checkpoint at ${lastCheckpoint}`;
  return (
    <Modal opened={opened} onClose={onClose} title="Cancel run">
      <Text>Cancelling ends the run now and loses {lost}. Stopping keeps a checkpoint first.</Text>
      <Group justify="flex-end" gap={8} mt={16}>
        <Button variant="default" onClick={onStop}>Stop and keep checkpoint</Button>
        <Button color="var(--ls-bad)" onClick={onCancelRun}>Cancel run</Button>
      </Group>
    </Modal>
  );
}
