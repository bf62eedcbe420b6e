import { Avatar, Menu, SegmentedControl, UnstyledButton, useMantineColorScheme, VisuallyHidden } from "@mantine/core";
import { IconLogout, IconUser } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { sessionQuery, signOut } from "@/api/session";

export function PersonMenu() {
  const { data: session } = useQuery(sessionQuery);
  const client = useQueryClient();
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const name = session?.user?.name || session?.user?.email || "";
  const leave = async () => {
    await signOut();
    client.clear();
    await navigate({ to: "/sign-in" });
  };
  return (
    <Menu position="bottom-end" width={220} shadow="md" closeOnItemClick>
      <Menu.Target>
        <UnstyledButton><VisuallyHidden>You: {name}</VisuallyHidden><Avatar name={name} size={28} radius={14} variant="light" color="blue" aria-hidden /></UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{session?.user?.email}</Menu.Label>
        <Menu.Item leftSection={<IconUser size={14} />} onClick={() => void navigate({ to: "/me" })}>Profile and keys</Menu.Item>
        <SegmentedControl
          fullWidth size="xs" m={4} value={colorScheme} aria-label="Theme"
          onChange={(value) => setColorScheme(value as "light" | "dark" | "auto")}
          data={[{ label: "Light", value: "light" }, { label: "Dark", value: "dark" }, { label: "System", value: "auto" }]}
        />
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={14} />} onClick={() => void leave()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
