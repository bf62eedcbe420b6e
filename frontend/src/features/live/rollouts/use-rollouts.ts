import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { getRollouts, type Rollout, type RolloutFilter } from "@/api/run";
import { useFeedState } from "../run-context";
import type { RunFeed } from "../run-feed";

const PAGE = 60;

/** Stored rollouts by a filter, and how many came since: they wait until asked for, so that no row moves under the pointer. */
export function useRollouts(feed: RunFeed, filter: RolloutFilter) {
  const { reloads } = useFeedState(feed);
  const [waiting, setWaiting] = useState(0);
  const query = useInfiniteQuery({
    queryKey: ["run", feed.runId, "rollouts", filter, reloads],
    queryFn: ({ pageParam }) => getRollouts(feed.runId, filter, pageParam, PAGE),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    refetchOnWindowFocus: false,
    staleTime: Infinity,
    placeholderData: (old) => old,
  });
  const items: Rollout[] = query.data?.pages.flatMap((page) => page.items) ?? [];
  const few = items.length === 0;
  const { refetch } = query;
  useEffect(() => feed.onEvents((events) => {
    const fresh = events.filter((kept) => kept.event.type === "rollout").length;
    if (fresh > 0) setWaiting((count) => count + fresh);
  }), [feed]);
  const show = (): void => {
    setWaiting(0);
    void refetch();
  };
  useEffect(() => {
    if (few && waiting > 0) void refetch().then(() => setWaiting(0));
  }, [few, waiting, refetch]);
  return { query, items, waiting, show };
}
