import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { getRollouts, type Rollout, type RolloutFilter } from "@/api/run";
import { useFeedState } from "../run-context";
import type { RunFeed } from "../run-feed";

const PAGE = 60;

/** A stream is read again at most this often. */
const FLOW_MS = 1500;

/**
 * Stored rollouts by a filter, and how many came since. They wait until asked for, so that no row moves under the
 * pointer, unless the reader lets them flow in.
 */
export function useRollouts(feed: RunFeed, filter: RolloutFilter, flowing: boolean) {
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
  const due = waiting > 0 && (few || flowing);
  useEffect(() => {
    if (!due) return undefined;
    const timer = window.setTimeout(() => void refetch().then(() => setWaiting(0)), few ? 0 : FLOW_MS);
    return () => window.clearTimeout(timer);
  }, [due, few, refetch]);
  return { query, items, waiting, show };
}
