import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { sessionQuery } from "@/api/session";
import type { SessionProject } from "@/api/shapes";
import { lastProject } from "../last-project";

/** The project of the address, or the one opened last on pages outside of projects. */
export function useProject(): { projectId: string | null; project: SessionProject | null; projects: SessionProject[] } {
  const { data: session } = useQuery(sessionQuery);
  const params: { projectId?: string } = useParams({ strict: false });
  const projectId = params.projectId ?? (session ? lastProject(session) : null);
  const projects = session?.projects ?? [];
  return { projectId, project: projects.find((one) => one.id === projectId) ?? null, projects };
}
