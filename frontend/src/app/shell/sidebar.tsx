import { ActionIcon, NavLink, ScrollArea, Tooltip } from "@mantine/core";
import { IconLayoutSidebarLeftCollapse, IconLayoutSidebarLeftExpand } from "@tabler/icons-react";
import { Link, useLocation } from "@tanstack/react-router";
import { useStanding } from "@/api/standing";
import { isHere, operations, places, type Place } from "./places";
import { ProjectSwitcher } from "./project-switcher";
import classes from "./sidebar.module.css";
import { useProject } from "./use-project";

/** 220 px of places, or 52 px of icons when folded. */
export function Sidebar({ folded, onFold }: { folded: boolean; onFold: () => void }) {
  const { projectId } = useProject();
  const { onlyAnnotates } = useStanding(projectId);
  const fold = folded ? "Unfold the sidebar" : "Fold the sidebar";
  return (
    <nav className={classes.sidebar} aria-label="Main" data-folded={folded || undefined}>
      <ProjectSwitcher folded={folded} />
      <ScrollArea flex={1} type="auto">
        {places(projectId, onlyAnnotates).map((place) => <PlaceLink key={place.label} place={place} folded={folded} />)}
      </ScrollArea>
      <div className={classes.foot}>
        {operations(projectId, onlyAnnotates).map((place) => <PlaceLink key={place.label} place={place} folded={folded} />)}
        <Tooltip label={`${fold}  \\`} position="right">
          <ActionIcon onClick={onFold} aria-label={fold} className={classes.fold}>
            {folded ? <IconLayoutSidebarLeftExpand size={16} /> : <IconLayoutSidebarLeftCollapse size={16} />}
          </ActionIcon>
        </Tooltip>
      </div>
    </nav>
  );
}

function PlaceLink({ place, folded }: { place: Place; folded: boolean }) {
  const path = useLocation({ select: (location) => location.pathname });
  const Icon = place.icon;
  const here = isHere(place, path);
  return (
    <Tooltip label={`${place.label}  g ${place.key}`} position="right" disabled={!folded}>
      <NavLink
        component={Link}
        to={place.to}
        activeOptions={{ exact: place.label === "Home" }}
        label={folded ? undefined : place.label}
        aria-label={place.label}
        aria-current={here ? "page" : undefined}
        active={here}
        leftSection={<Icon size={16} stroke={1.7} aria-hidden />}
        classNames={{ root: classes.place, label: classes.label }}
      />
    </Tooltip>
  );
}
