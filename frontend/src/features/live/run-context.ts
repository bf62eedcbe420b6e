import { useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import { runQuery } from "@/api/runs";
import type { MethodCard, Run } from "@/api/shapes";
import { RunFeed, type FeedState } from "./run-feed";

export interface RunInHand {
  run: Run;
  feed: RunFeed;
  method: MethodCard | undefined;
  canEdit: boolean;
}

export const RunContext = createContext<RunInHand | null>(null);

/** The run of the page that is open. */
export function useRun(): RunInHand {
  const inHand = useContext(RunContext);
  if (!inHand) throw new Error("useRun stands outside a run page.");
  return inHand;
}

/** A live feed of a run for as long as the component is mounted; what it hears of the run goes into the query's data. */
export function useRunFeed(run: Run): RunFeed {
  const client = useQueryClient();
  const feed = useMemo(() => {
    const key = runQuery(run.id).queryKey;
    return new RunFeed(run.id, run, (news) => {
      const known = client.getQueryData(key);
      client.setQueryData(key, (old) => (old ? { ...old, ...news } : old));
      if (known && (known.state !== news.state || known.attempt !== news.attempt)) void client.invalidateQueries({ queryKey: key });
    });
    // eslint-disable-next-line react-hooks/exhaustive-deps -- one feed per run; later news of the same run come through the feed
  }, [run.id, client]);
  useEffect(() => {
    feed.start(run);
    return () => feed.stop();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- see above
  }, [feed]);
  return feed;
}

export function useFeedState(feed: RunFeed): FeedState {
  return useSyncExternalStore(feed.subscribe, feed.snapshot);
}
