/** What a person may do in a project. The server decides; this keeps a page from offering what would be refused. */

import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "./session";
import type { Role, Session } from "./shapes";

export interface Standing {
  /** Null for who is no member, and while the session is not read. */
  role: Role | null;
  /** May launch, bring data and models, change and delete. */
  canEdit: boolean;
  /** Judges answers and is shown nothing else. */
  onlyAnnotates: boolean;
}

export function standingIn(session: Pick<Session, "projects"> | undefined, projectId: string | null): Standing {
  const role = session?.projects.find((project) => project.id === projectId)?.role ?? null;
  return { role, canEdit: role === "editor" || role === "owner", onlyAnnotates: role === "annotator" };
}

export function useStanding(projectId: string | null): Standing {
  return standingIn(useQuery(sessionQuery).data, projectId);
}
