import { Tooltip, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";

/** An id in mono that copies itself on click. */
export function CopyId({ id, short = false }: { id: string; short?: boolean }) {
  const clipboard = useClipboard();
  return (
    <Tooltip label={clipboard.copied ? "Copied" : "Copy id"}>
      <UnstyledButton ff="monospace" fz={12} c="dimmed" onClick={() => clipboard.copy(id)}>
        <VisuallyHidden>Copy {id}</VisuallyHidden>
        <span aria-hidden>{short && id.length > 12 ? `${id.slice(0, 10)}…` : id}</span>
      </UnstyledButton>
    </Tooltip>
  );
}
