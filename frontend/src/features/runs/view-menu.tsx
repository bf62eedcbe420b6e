import { ActionIcon, Button, Group, Menu, Text, TextInput } from "@mantine/core";
import { IconBookmark, IconCheck, IconTrash } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { dropView, isShown, keepView, savedViews, type SavedView } from "./saved-views";

interface Props { projectId: string; shown: Omit<SavedView, "name">; onView: (view: Omit<SavedView, "name">) => void }

/** The saved ways of looking at the table, and a name for the one that is shown. */
export function ViewMenu({ projectId, shown, onView }: Props) {
  const [views, setViews] = useState(() => savedViews(projectId));
  const [name, setName] = useState("");
  const save = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() === "") return;
    setViews(keepView(projectId, { ...shown, name: name.trim() }));
    setName("");
  };
  const current = views.find((view) => isShown(view, shown));
  return (
    <Menu position="bottom-end" width={300} shadow="md" closeOnItemClick={false}>
      <Menu.Target><Button variant="default" size="sm" px={12} leftSection={<IconBookmark size={14} />} maw={200}>{current?.name ?? "Views"}</Button></Menu.Target>
      <Menu.Dropdown>
        {views.length === 0 ? <Text size="xs" c="dimmed" px={12} py={8}>Filter, sort and choose columns, then give that a name to come back to it.</Text> : null}
        {views.map((view) => (
          <Group key={view.name} gap={0} wrap="nowrap">
            <Menu.Item flex={1} miw={0} leftSection={<IconCheck size={14} visibility={view === current ? "visible" : "hidden"} />} onClick={() => onView({ q: view.q, sort: view.sort, cols: view.cols })}>
              <Text truncate>{view.name}</Text>
            </Menu.Item>
            <ActionIcon aria-label={`Delete the view ${view.name}`} onClick={() => setViews(dropView(projectId, view.name))}><IconTrash size={14} /></ActionIcon>
          </Group>
        ))}
        <Menu.Divider />
        <form onSubmit={save}>
          <Group gap={8} p={8} wrap="nowrap">
            <TextInput flex={1} size="xs" aria-label="Name of this view" placeholder="Name of this view" maxLength={60} value={name} onChange={(event) => setName(event.currentTarget.value)} onKeyDown={(event) => event.stopPropagation()} />
            <Button type="submit" size="compact-sm" variant="default" disabled={name.trim() === ""}>Save view</Button>
          </Group>
        </form>
      </Menu.Dropdown>
    </Menu>
  );
}
