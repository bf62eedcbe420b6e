import { Navigate, Outlet, useLocation, useParams } from "@tanstack/react-router";
import { useStanding } from "@/api/standing";
import { NotFound } from "./not-found";

/** The pages of a project for those whose project it is: a stranger finds nothing, an annotator the one place there is for them. */
export function ProjectFrame() {
  const { projectId } = useParams({ from: "/signed-in/p/$projectId" });
  const path = useLocation({ select: (location) => location.pathname });
  const { role, onlyAnnotates } = useStanding(projectId);
  if (role === null) return <NotFound />;
  const annotate = `/p/${projectId}/annotate`;
  if (onlyAnnotates && path.replace(/\/$/, "") !== annotate) return <Navigate to="/p/$projectId/annotate" params={{ projectId }} replace />;
  return <Outlet />;
}
