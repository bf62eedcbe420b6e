import { Outlet, useParams } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useStanding } from "@/api/standing";
import { NotFound } from "./not-found";

const AnnotatorHome = lazy(() => import("@/pages/home/annotator-home").then((module) => ({ default: module.AnnotatorHome })));

/** The pages of a project for those whose project it is: a stranger finds nothing, an annotator the one place there is for them. */
export function ProjectFrame() {
  const { projectId } = useParams({ from: "/signed-in/p/$projectId" });
  const { role, onlyAnnotates } = useStanding(projectId);
  if (role === null) return <NotFound />;
  if (onlyAnnotates) return <Suspense><AnnotatorHome projectId={projectId} /></Suspense>;
  return <Outlet />;
}
