import type { Run } from "@/api/shapes";
import { FreshnessMark } from "@/ui/freshness-mark";
import { isActive } from "@/ui/run-states";
import { useNow } from "@/ui/time";
import { freshness, type Pulse } from "../freshness";
import { useFeedState } from "../run-context";
import type { RunFeed } from "../run-feed";

/** How old this page is, once a second. */
export function LiveFreshness({ run, feed }: { run: Run; feed: RunFeed }) {
  const { link, view } = useFeedState(feed);
  const now = useNow(500);
  const pulse: Pulse = {
    ended: !isActive(run.state),
    busy: run.state === "running" || run.state === "starting",
    lastEventAt: view.lastEventTime * 1000,
    heartbeatAt: run.heartbeat_at ? Date.parse(run.heartbeat_at) : 0,
    doing: view.doing,
  };
  return <FreshnessMark state={freshness(link, pulse, now)} />;
}
