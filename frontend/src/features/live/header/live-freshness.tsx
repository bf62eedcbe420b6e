import { VisuallyHidden } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { runQuery } from "@/api/runs";
import type { Run } from "@/api/shapes";
import { freshnessLook } from "@/ui/freshness";
import { FreshnessMark } from "@/ui/freshness-mark";
import { isActive } from "@/ui/run-states";
import { useNow } from "@/ui/time";
import { ENGINE_QUIET_MS, freshness, type Pulse } from "../freshness";
import { useFeedState } from "../run-context";
import type { RunFeed } from "../run-feed";

/** A worker renews its lease every ten seconds and sends no event for it: while the engine is quiet the page asks. */
const HEARTBEAT_MS = 10_000;
/** A screen reader hears of a change of kind, at most this often. */
const SPOKEN_MS = 10_000;

/** How old this page is, twice a second; what a screen reader hears of it, rarely. */
export function LiveFreshness({ run, feed }: { run: Run; feed: RunFeed }) {
  const { link, view } = useFeedState(feed);
  const now = useNow(500);
  const busy = run.state === "running" || run.state === "starting";
  const lastEventAt = view.lastEventTime * 1000;
  const quiet = busy && now + link.ahead - lastEventAt > ENGINE_QUIET_MS;
  useQuery({ ...runQuery(run.id), refetchInterval: quiet ? HEARTBEAT_MS : false });
  const pulse: Pulse = { ended: !isActive(run.state), busy, lastEventAt, heartbeatAt: run.heartbeat_at ? Date.parse(run.heartbeat_at) : 0, doing: view.doing };
  const state = freshness(link, pulse, now);
  // A run that waits or is paused sends nothing that could be fresh: only a lost connection is worth a word.
  const still = state.kind === "live" && !busy;
  return (
    <>
      {still ? null : <FreshnessMark state={state} />}
      <Spoken text={still ? "" : state.kind === "live" ? "live" : state.kind === "ended" ? "" : freshnessLook(state).text.replace(/\d.*$/, "")} />
    </>
  );
}

/** Says the newest text politely, at most once in ten seconds. */
function Spoken({ text }: { text: string }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (text === said) return undefined;
    const timer = window.setTimeout(() => setSaid(text), said === "" ? 0 : SPOKEN_MS);
    return () => window.clearTimeout(timer);
  }, [text, said]);
  return <VisuallyHidden role="status">{said}</VisuallyHidden>;
}
