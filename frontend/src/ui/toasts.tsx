import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { explain } from "@/api/problem";

const UNDO_MS = 8000;

/** Answers one's own action. */
export function toast(message: string): void {
  notifications.show({ message, autoClose: 4000, withBorder: true });
}

/** A failure stays until it is closed. */
export function toastError(error: unknown, what?: string): void {
  const message = what ? `${what}: ${explain(error)}` : explain(error);
  notifications.show({ message, autoClose: false, color: "var(--ls-bad)", withBorder: true, role: "alert" });
}

/** Says what was done and offers to undo it for 8 s. */
export function toastUndo(message: string, undo: () => void): void {
  const id = `undo-${message}-${performance.now()}`;
  const act = () => {
    notifications.hide(id);
    undo();
  };
  notifications.show({
    id,
    autoClose: UNDO_MS,
    withBorder: true,
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text>{message}</Text>
        <Button variant="subtle" size="compact-sm" onClick={act}>Undo</Button>
      </Group>
    ),
  });
}
