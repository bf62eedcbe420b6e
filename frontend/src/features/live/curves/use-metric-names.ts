import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { metricsQuery } from "@/api/run";
import type { StepRange } from "@/charts/axis";
import type { RunFeed } from "../run-feed";

/** Names of a run's curves that `keep` lets through: those on record and those heard of since. */
export function useMetricNames(feed: RunFeed, keep: (name: string) => boolean): { names: string[]; loading: boolean; error: Error | null; retry: () => void } {
  const stored = useQuery(metricsQuery(feed.runId));
  const heard = useSyncExternalStore(feed.series.subscribe, feed.series.names);
  const names = useMemo(() => {
    const all = [...(stored.data?.names.map((metric) => metric.name) ?? []), ...heard];
    return [...new Set(all)].filter(keep).sort();
  }, [stored.data, heard, keep]);
  return { names, loading: stored.isPending, error: stored.error, retry: () => void stored.refetch() };
}

/** Reads the named curves of a run for a range, again whenever names or range change. */
export function useLoadedCurves(feed: RunFeed, names: string[], zoom: StepRange | null, onError: (error: unknown) => void): void {
  const key = names.join("\n");
  const from = zoom?.from;
  const to = zoom?.to;
  useEffect(() => {
    const range = from === undefined || to === undefined ? null : { from, to };
    feed.load(key === "" ? [] : key.split("\n"), range).catch(onError);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the handler only tells, it does not change what is read
  }, [feed, key, from, to]);
}
