import { Menu, UnstyledButton } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { Link, useLocation, useNavigate } from "@tanstack/react-router";
import { useStanding } from "@/api/standing";
import classes from "./bottom-bar.module.css";
import { isHere, operations, places } from "./places";
import { useProject } from "./use-project";

/** What a phone has at the thumb; every other place is under More. */
const AT_HAND = ["Home", "Runs", "Data", "Annotate"];

/** The phone's way around: four places of a project, the rest under More. */
export function BottomBar() {
  const { projectId, projects } = useProject();
  const { onlyAnnotates } = useStanding(projectId);
  const path = useLocation({ select: (location) => location.pathname });
  const navigate = useNavigate();
  const all = places(projectId, onlyAnnotates);
  return (
    <nav aria-label="Main" className={classes.bar}>
      {all.filter((place) => AT_HAND.includes(place.label)).map((place) => (
        <Link key={place.label} to={place.to} activeOptions={{ exact: place.label === "Home" }} className={classes.place} aria-current={isHere(place, path) ? "page" : undefined}>
          <place.icon size={20} stroke={1.7} aria-hidden />
          {place.label}
        </Link>
      ))}
      <Menu position="top-end" width={220} shadow="md">
        <Menu.Target><UnstyledButton className={classes.place}><IconDots size={20} aria-hidden />More</UnstyledButton></Menu.Target>
        <Menu.Dropdown>
          {[...all.filter((place) => !AT_HAND.includes(place.label)), ...operations(projectId, onlyAnnotates)].map((place) => <Menu.Item key={place.label} leftSection={<place.icon size={16} />} onClick={() => void navigate({ to: place.to })}>{place.label}</Menu.Item>)}
          {onlyAnnotates ? null : <Menu.Divider />}
          <Menu.Label>Projects</Menu.Label>
          {projects.map((one) => <Menu.Item key={one.id} onClick={() => void navigate({ to: "/p/$projectId", params: { projectId: one.id } })}>{one.name}</Menu.Item>)}
        </Menu.Dropdown>
      </Menu>
    </nav>
  );
}
