import { IconChecklist, IconCpu, IconDatabase, IconHome, IconMathFunction, IconMessage, IconPlayerPlay, IconRoute, IconScale, IconSettings, IconStack2, IconTrophy, type Icon } from "@tabler/icons-react";

export interface Place { label: string; icon: Icon; to: string; key: string; below: string }

/** Where the sidebar leads; annotators have one place. `key` follows `g`; `below` is the path that lights the entry up. */
export function places(projectId: string | null, onlyAnnotates = false): Place[] {
  const base = projectId ? `/p/${projectId}` : null;
  if (base && onlyAnnotates) return [{ label: "Annotate", icon: IconChecklist, to: `${base}/annotate`, key: "a", below: base }];
  const inProject: Place[] = base
    ? [
        { label: "Home", icon: IconHome, to: base, key: "h", below: base },
        { label: "Runs", icon: IconPlayerPlay, to: `${base}/runs`, key: "r", below: `${base}/runs` },
        { label: "Methods", icon: IconMathFunction, to: `${base}/methods`, key: "t", below: `${base}/methods` },
        { label: "Recipes", icon: IconRoute, to: `${base}/recipes`, key: "i", below: `${base}/recipes` },
        { label: "Data", icon: IconDatabase, to: `${base}/data`, key: "d", below: `${base}/data` },
        { label: "Rewards", icon: IconTrophy, to: `${base}/rewards`, key: "w", below: `${base}/rewards` },
        { label: "Models", icon: IconStack2, to: `${base}/models`, key: "m", below: `${base}/models` },
        { label: "Annotate", icon: IconChecklist, to: `${base}/annotate`, key: "a", below: `${base}/annotate` },
        { label: "Evaluations", icon: IconScale, to: `${base}/evals`, key: "e", below: `${base}/evals` },
        { label: "Playground", icon: IconMessage, to: `${base}/playground`, key: "c", below: `${base}/playground` },
      ]
    : [];
  return inProject;
}

export function operations(projectId: string | null, onlyAnnotates = false): Place[] {
  if (onlyAnnotates) return [];
  const settings: Place[] = projectId
    ? [{ label: "Settings", icon: IconSettings, to: `/p/${projectId}/settings/members`, key: "s", below: `/p/${projectId}/settings` }]
    : [];
  return [{ label: "Workers", icon: IconCpu, to: "/ops/workers", key: "o", below: "/ops" }, ...settings];
}

/** Whether the path lies in a place; Home only on its own page. */
export function isHere(place: Place, path: string): boolean {
  if (place.label === "Home") return path.replace(/\/$/, "") === place.below;
  return path === place.below || path.startsWith(`${place.below}/`);
}
