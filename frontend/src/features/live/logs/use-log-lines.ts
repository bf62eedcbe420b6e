import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { getLogs, type LogLine } from "@/api/run";
import { useFeedState } from "../run-context";
import type { RunFeed } from "../run-feed";
import { linesOf, mergeLines } from "./log-lines";

const PAGE = 500;
/** Live lines held in the browser; those before them are read again. */
const MOST = 20_000;

/** The tail of a run's log, growing at its end by events and at its start by asking. */
export function useLogLines(feed: RunFeed) {
  const { reloads } = useFeedState(feed);
  const [fresh, setFresh] = useState<LogLine[]>([]);
  const query = useInfiniteQuery({
    queryKey: ["run", feed.runId, "logs", reloads],
    queryFn: ({ pageParam }) => getLogs(feed.runId, { before: pageParam, limit: PAGE }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => (last.older ? last.items[0]?.cursor : undefined),
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  useEffect(() => feed.onEvents((items) => {
    const heard = linesOf(items);
    if (heard.length > 0) setFresh((held) => mergeLines(held, heard).slice(-MOST));
  }), [feed]);
  const stored = query.data?.pages;
  const lines = useMemo(() => mergeLines((stored ?? []).toReversed().flatMap((page) => page.items), fresh), [stored, fresh]);
  return { lines, query };
}
