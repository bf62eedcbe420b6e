import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { explain } from "@/api/problem";

const UNDO_MS = 8000;
/** What ctrl-z takes back: the deeds whose notice still stands, the newest last. */
let standing: { id: string; act: () => void }[] = [];

/** Takes back the newest deed that can be, or says that there is none. */
export function undoLast(): void {
  const last = standing.at(-1);
  if (last) last.act();
  else toast("Nothing to undo.");
}

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
  const forget = () => {
    standing = standing.filter((one) => one.id !== id);
  };
  const act = () => {
    notifications.hide(id);
    forget();
    undo();
  };
  standing = [...standing, { id, act }];
  notifications.show({
    id,
    autoClose: UNDO_MS,
    onClose: forget,
    withBorder: true,
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text>{message}</Text>
        <Button variant="subtle" size="compact-sm" onClick={act}>Undo</Button>
      </Group>
    ),
  });
}
