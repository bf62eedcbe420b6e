import type { Session } from "@/api/shapes";

const KEY = "lodestar.project";

export function rememberProject(id: string): void {
  localStorage.setItem(KEY, id);
}

/** The project opened last, else the first one; null when there is none. */
export function lastProject(session: Session): string | null {
  const remembered = localStorage.getItem(KEY);
  const known = session.projects.find((project) => project.id === remembered) ?? session.projects[0];
  return known?.id ?? null;
}
