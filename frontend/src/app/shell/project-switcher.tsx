import { Menu, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { IconCheck, IconChevronDown, IconPlus, IconSparkles } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { NewProject } from "./new-project";
import classes from "./project-switcher.module.css";
import { useProject } from "./use-project";

export function ProjectSwitcher({ folded }: { folded: boolean }) {
  const { project, projects } = useProject();
  const [creating, setCreating] = useState(false);
  const navigate = useNavigate();
  const name = project?.name ?? "Choose a project";
  return (
    <>
      <Menu position="bottom-start" width={260} shadow="md">
        <Menu.Target>
          <UnstyledButton className={classes.switcher}>
            <VisuallyHidden>Project: {name}</VisuallyHidden>
            <span className={classes.letter} aria-hidden>{name.slice(0, 1).toUpperCase()}</span>
            {folded ? null : <span className={classes.name} aria-hidden>{name}</span>}
            {folded ? null : <IconChevronDown size={14} aria-hidden />}
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Projects</Menu.Label>
          {projects.map((one) => (
            <Menu.Item
              key={one.id}
              leftSection={one.id === project?.id ? <IconCheck size={14} /> : <span className={classes.space} />}
              rightSection={one.is_demo ? <span className={classes.hint}>demo</span> : <span className={classes.hint}>{one.role}</span>}
              onClick={() => void navigate({ to: "/p/$projectId", params: { projectId: one.id } })}
            >
              {one.name}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconPlus size={14} />} onClick={() => setCreating(true)}>New project</Menu.Item>
          <Menu.Item leftSection={<IconSparkles size={14} />} onClick={() => void navigate({ to: "/welcome" })}>First steps</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {creating ? <NewProject onClose={() => setCreating(false)} /> : null}
    </>
  );
}
