import { createSpotlight, Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from "@mantine/spotlight";
import { IconBolt, IconDatabase, IconPlayerPlay, IconPlus, IconSearch, IconStack2, IconTrophy } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useDebouncedValue } from "@mantine/hooks";
import { datasetsQuery } from "@/api/datasets";
import { modelsQuery } from "@/api/models";
import { rewardsQuery } from "@/api/rewards";
import { runsQuery } from "@/api/runs";
import { useStanding } from "@/api/standing";
import { RUN_STATES } from "@/ui/run-states";
import { useShortcutGroups } from "@/ui/shortcuts";
import { jumpTarget } from "./jump-target";
import classes from "./palette.module.css";
import { operations, places } from "./places";

/** Whether the box is open is the store's to know: it closes itself on escape, outside and on a choice. */
const [store, spotlight] = createSpotlight();

/** One box for places, objects, commands and pasted ids. */
export function Palette({ projectId, actionsOnly, onClose }: { projectId: string | null; actionsOnly: boolean; onClose: () => void }) {
  const here = useShortcutGroups().filter((group) => group.name !== "Everywhere" && group.name !== "Tabs").toReversed();
  const [text, setText] = useState("");
  useEffect(() => {
    spotlight.open();
    return () => spotlight.close();
  }, []);
  const { canEdit, onlyAnnotates } = useStanding(projectId);
  const searched = projectId !== null && !onlyAnnotates;
  const [query] = useDebouncedValue(text, 150);
  const navigate = useNavigate();
  const base = `/p/${projectId}`;
  const runs = useInfiniteQuery({ ...runsQuery(projectId ?? "", { q: query }, 20), enabled: searched, placeholderData: keepPreviousData });
  const data = useQuery({ ...datasetsQuery(projectId ?? "", query), enabled: searched, placeholderData: keepPreviousData });
  const rewards = useQuery({ ...rewardsQuery(projectId ?? "", query), enabled: searched, placeholderData: keepPreviousData });
  const models = useQuery({ ...modelsQuery(projectId ?? ""), enabled: searched });
  const go = (to: string) => () => void navigate({ to });
  const jump = projectId ? jumpTarget(text, projectId) : null;
  const groups: SpotlightActionGroupData[] = [
    { group: "Jump", actions: jump ? [{ id: "jump", label: `Open ${text.trim()}`, leftSection: <IconSearch size={16} />, onClick: go(jump), keywords: [text] }] : [] },
    {
      group: "This page",
      actions: here.flatMap((group) => group.shortcuts.map((shortcut): SpotlightActionData => ({
        id: `${group.name} ${shortcut.keys}`, label: shortcut.label, description: group.name, rightSection: shortcut.keys === " " ? "space" : shortcut.keys,
        leftSection: <IconBolt size={16} />, onClick: () => window.setTimeout(shortcut.run, 0),
      }))),
    },
    {
      group: "Go to",
      actions: [
        ...(canEdit ? [{ id: "new-run", label: "New run", rightSection: "n", leftSection: <IconPlus size={16} />, onClick: go(`${base}/runs/new`) }] : []),
        ...(canEdit ? [{ id: "new-reward", label: "New reward", leftSection: <IconPlus size={16} />, onClick: go(`${base}/rewards/new`) }] : []),
        ...[...places(projectId, onlyAnnotates), ...operations(projectId, onlyAnnotates)].map((place): SpotlightActionData => ({
          id: place.to, label: place.label, rightSection: `g ${place.key}`, leftSection: <place.icon size={16} />, onClick: go(place.to),
        })),
      ],
    },
    {
      group: "Runs",
      actions: (runs.data?.pages[0]?.items ?? []).slice(0, 8).map((run) => ({
        id: run.id, label: run.name, description: `${RUN_STATES[run.state].word} · ${run.method}`, keywords: [query, run.id],
        leftSection: <IconPlayerPlay size={16} />, onClick: go(`${base}/runs/${run.id}/curves`),
      })),
    },
    {
      group: "Data",
      actions: (data.data ?? []).slice(0, 6).map((set) => ({
        id: set.id, label: set.name, keywords: [query, set.id], leftSection: <IconDatabase size={16} />, onClick: go(`${base}/data/${set.id}`),
      })),
    },
    {
      group: "Rewards",
      actions: (rewards.data ?? []).slice(0, 6).map((reward) => ({
        id: reward.id, label: reward.name, keywords: [query, reward.id], leftSection: <IconTrophy size={16} />, onClick: go(`${base}/rewards/${reward.id}`),
      })),
    },
    {
      group: "Models",
      actions: (models.data ?? []).map((model) => ({
        id: model.id, label: model.name, keywords: [model.id], leftSection: <IconStack2 size={16} />, onClick: go(`${base}/models/${model.id}`),
      })),
    },
  ];
  return (
    <Spotlight
      store={store} attributes={{ content: { "aria-label": actionsOnly ? "Actions of this page" : "Search and commands" } }} classNames={{ actionsList: classes.list, empty: classes.list }} transitionProps={{ duration: 0 }}
      onSpotlightClose={onClose} query={text} onQueryChange={setText} actions={groups.filter((group) => group.actions.length > 0 && (!actionsOnly || group.group === "This page"))}
      shortcut={null} limit={60} scrollable maxHeight={440} highlightQuery nothingFound="Nothing by that name here."
      overlayProps={{ blur: 0, backgroundOpacity: 0.35 }}
      searchProps={{ leftSection: <IconSearch size={16} />, placeholder: actionsOnly ? "What this page can do" : "Find a run, a data set, a model, a page; or paste an id", "aria-label": "Search" }}
    />
  );
}
