import type { Freshness } from "@/ui/freshness";
import type { Link } from "./live-socket";

/** What is known of the run's own pulse; times are milliseconds of the server's clock, 0 when unknown. */
export interface Pulse {
  ended: boolean;
  /** A run that waits or is paused owes no events. */
  busy: boolean;
  lastEventAt: number;
  heartbeatAt: number;
  doing: string;
}

/** A socket is doubted after two missed beats, a worker after two renewals of its lease that did not come. */
const BROWSER_STALE_MS = 11_000;
const WORKER_STALE_MS = 30_000;
/** An engine that says nothing for longer is busy with a long step, not lost: its worker's heartbeat tells. */
export const ENGINE_QUIET_MS = 10_000;

/** How old the page is, and whose fault it is. */
export function freshness(link: Link, pulse: Pulse, now: number): Freshness {
  if (link.phase === "refused") return { kind: "refused", why: link.refusal === "signed-out" ? "signed out" : "not yours to see" };
  if (link.phase === "offline") return { kind: "offline", retrySeconds: null };
  if (link.phase === "waiting") return { kind: "offline", retrySeconds: Math.max(0, link.retryAt - now) / 1000 };
  if (link.phase === "idle" || link.phase === "connecting") return pulse.ended ? { kind: "ended" } : { kind: "connecting" };
  if (link.phase === "catching") return { kind: "catching_up", done: link.cursor - link.catchFrom, total: link.target - link.catchFrom };
  if (pulse.ended) return { kind: "ended" };
  const silence = now - link.heardAt;
  if (silence > BROWSER_STALE_MS) return { kind: "stale", seconds: silence / 1000, cause: "browser" };
  return pulse.busy ? byPulse(pulse, now + link.ahead) : { kind: "live", seconds: Math.max(0, silence) / 1000 };
}

function byPulse(pulse: Pulse, now: number): Freshness {
  if (pulse.lastEventAt === 0) return { kind: "live", seconds: 0 };
  const beat = now - Math.max(pulse.heartbeatAt, pulse.lastEventAt);
  if (beat > WORKER_STALE_MS) return { kind: "stale", seconds: beat / 1000, cause: "worker" };
  const seconds = Math.max(0, now - pulse.lastEventAt) / 1000;
  return seconds * 1000 <= ENGINE_QUIET_MS ? { kind: "live", seconds } : { kind: "busy", seconds, doing: pulse.doing };
}
