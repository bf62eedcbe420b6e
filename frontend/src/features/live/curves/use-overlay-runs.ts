import { useQueries } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { runQuery } from "@/api/runs";
import type { Run } from "@/api/shapes";
import type { StepRange } from "@/charts/axis";
import { RunFeed } from "../run-feed";
import type { ChartedRun } from "./panel-curves";

/** Other runs laid over this one: each with its own live feed for as long as it is in the list. */
export function useOverlayRuns(ids: string[], names: string[], zoom: StepRange | null, onError: (error: unknown) => void): ChartedRun[] {
  const found = useQueries({ queries: ids.map((id) => runQuery(id)) });
  const runs = found.flatMap((query) => query.data ?? []);
  const here = runs.map((run) => run.id).join(",");
  // eslint-disable-next-line react-hooks/exhaustive-deps -- feeds live as long as the set of runs, not as long as each answer
  const feeds = useMemo(() => new Map(runs.map((run) => [run.id, new RunFeed(run.id, run, ignoreNews)])), [here]);
  useEffect(() => {
    for (const run of runs) feeds.get(run.id)?.start(run);
    return () => feeds.forEach((feed) => feed.stop());
    // eslint-disable-next-line react-hooks/exhaustive-deps -- see above
  }, [feeds]);
  const key = names.join("\n");
  useEffect(() => {
    for (const feed of feeds.values()) feed.load(key === "" ? [] : key.split("\n"), zoom).catch(onError);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the handler only tells
  }, [feeds, key, zoom]);
  return useMemo(() => runs.flatMap((run) => charted(run, feeds.get(run.id)) ?? []), [here, feeds]); // eslint-disable-line react-hooks/exhaustive-deps -- names and colours do not change while looked at
}

export function charted(run: Run, feed: RunFeed | undefined): ChartedRun | null {
  if (!feed) return null;
  const origin = Date.parse(run.started_at ?? run.created_at) / 1000;
  return { id: run.id, name: run.name, colour: run.colour, feed, origin };
}

function ignoreNews(): void {
  // An overlaid run's own state is shown on its own page.
}
