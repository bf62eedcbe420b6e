import { Alert, Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Outlet, useLocation } from "@tanstack/react-router";
import { useMemo } from "react";
import { restoreRun, runsQuery } from "@/api/runs";
import type { MethodCard, Run } from "@/api/shapes";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { toastError } from "@/ui/toasts";
import { pageTitle, useFavicon } from "./header/page-signs";
import { RunHeader } from "./header/run-header";
import classes from "./header/run-header.module.css";
import { RunTabs } from "./header/run-tabs";
import { RunContext, useFeedState, useRunFeed } from "./run-context";

/** Keeps the run's live feed while the page is open, whatever tab is shown. */
export function OpenRun({ run, method, canEdit }: { run: Run; method: MethodCard | undefined; canEdit: boolean }) {
  const feed = useRunFeed(run);
  const { view } = useFeedState(feed);
  const inHand = useMemo(() => ({ run, feed, method, canEdit }), [run, feed, method, canEdit]);
  useFavicon(run.state);
  const recent = useInfiniteQuery({ ...runsQuery(run.project_id, { sort: "-created_at" }, 20), staleTime: 60_000 });
  const tab = useLocation({ select: (location) => location.pathname.split("/").at(-1) ?? "curves" });
  const siblings = (recent.data?.pages[0]?.items ?? []).map((one) => ({ label: one.name, to: `/p/${one.project_id}/runs/${one.id}/${tab}` }));
  useBreadcrumbs([{ label: "Runs", to: `/p/${run.project_id}/runs` }, { label: run.name, siblings }], pageTitle(run.state, run.name, view.step, run.total ?? view.total));
  const task = run.kind !== "train";
  const silent = !task && method !== undefined && !method.needs_reward && !method.metrics.some((metric) => metric.name === "reward");
  const scores = method?.kind === "train" && method.models[0]?.kinds.includes("reward");
  return (
    <RunContext value={inHand}>
      {run.deleted_at && <Deleted run={run} />}
      <RunHeader><RunTabs projectId={run.project_id} runId={run.id} hidden={[...(silent ? ["rollouts"] : []), ...(task ? ["checkpoints"] : []), ...(scores ? [] : ["report"])]} titles={run.kind === "evaluate" || run.kind === "generate" ? { curves: "Report", rollouts: "Answers" } : undefined} /></RunHeader>
      <div className={classes.body}><Outlet /></div>
    </RunContext>
  );
}

function Deleted({ run }: { run: Run }) {
  return (
    <Alert color="var(--ls-warn)" m={12} title="This run is in the bin.">
      <Button variant="default" size="compact-sm" onClick={() => void restoreRun(run.id).catch(toastError)}>Restore</Button>
    </Alert>
  );
}
