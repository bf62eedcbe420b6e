import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from "@mantine/spotlight";
import { IconDatabase, IconPlayerPlay, IconPlus, IconSearch, IconStack2 } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useDebouncedValue } from "@mantine/hooks";
import { datasetsQuery } from "@/api/datasets";
import { modelsQuery } from "@/api/models";
import { runsQuery } from "@/api/runs";
import { RUN_STATES } from "@/ui/run-states";
import { jumpTarget } from "./jump-target";
import { operations, places } from "./places";

/** One box for places, objects, commands and pasted ids. */
export function Palette({ projectId, onClose }: { projectId: string | null; onClose: () => void }) {
  const [text, setText] = useState("");
  const [query] = useDebouncedValue(text, 150);
  const navigate = useNavigate();
  const base = `/p/${projectId}`;
  const runs = useInfiniteQuery({ ...runsQuery(projectId ?? "", { q: query }, 20), enabled: projectId !== null });
  const data = useQuery({ ...datasetsQuery(projectId ?? "", query), enabled: projectId !== null });
  const models = useQuery({ ...modelsQuery(projectId ?? ""), enabled: projectId !== null });
  const go = (to: string) => () => void navigate({ to });
  const jump = projectId ? jumpTarget(text, projectId) : null;
  const groups: SpotlightActionGroupData[] = [
    { group: "Jump", actions: jump ? [{ id: "jump", label: `Open ${text.trim()}`, leftSection: <IconSearch size={16} />, onClick: go(jump), keywords: [text] }] : [] },
    {
      group: "Go to",
      actions: [
        ...(projectId ? [{ id: "new-run", label: "New run", rightSection: "n", leftSection: <IconPlus size={16} />, onClick: go(`${base}/runs/new`) }] : []),
        ...[...places(projectId), ...operations(projectId)].map((place): SpotlightActionData => ({
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
      group: "Models",
      actions: (models.data ?? []).map((model) => ({
        id: model.id, label: model.name, keywords: [model.id], leftSection: <IconStack2 size={16} />, onClick: go(`${base}/models/${model.id}`),
      })),
    },
  ];
  return (
    <Spotlight
      forceOpened onSpotlightClose={onClose} query={text} onQueryChange={setText} actions={groups.filter((group) => group.actions.length > 0)}
      shortcut={null} limit={30} scrollable maxHeight={440} highlightQuery nothingFound="Nothing by that name here."
      overlayProps={{ blur: 0, backgroundOpacity: 0.35 }}
      searchProps={{ leftSection: <IconSearch size={16} />, placeholder: "Find a run, a data set, a model, a page; or paste an id", "aria-label": "Search" }}
    />
  );
}
