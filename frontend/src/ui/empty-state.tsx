import { Code, Stack, Text } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";

interface Props { icon?: Icon; title: string; children?: ReactNode; action?: ReactNode; api?: string }

/** Nothing here yet: what it is, one action, the API call that does the same. */
export function EmptyState({ icon: Icon, title, children, action, api }: Props) {
  return (
    <Stack align="center" gap={12} py={48} px={16} maw={520} mx="auto" ta="center">
      {Icon ? <Icon size={28} color="var(--ls-muted)" aria-hidden stroke={1.5} /> : null}
      <Text fw={600} size="lg">{title}</Text>
      {children ? <Text c="dimmed" component="div">{children}</Text> : null}
      {action}
      {api ? <Code bg="var(--ls-sunken)" fz={12} maw="100%" style={{ overflowWrap: "anywhere" }}>{api}</Code> : null}
    </Stack>
  );
}
