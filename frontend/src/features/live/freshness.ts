import type { Link } from "./live-socket";

export type FreshnessKind = "live" | "catching" | "stale" | "offline" | "ended";

/** How old the page is, and whose fault it is. */
export interface Freshness {
  kind: FreshnessKind;
  sign: "●" | "◐" | "○" | "◌" | "■";
  text: string;
}

/** What is known of the run's own pulse; times are milliseconds of the browser's clock, 0 when unknown. */
export interface Pulse {
  ended: boolean;
  /** A run that waits or is paused owes no events. */
  busy: boolean;
  lastEventAt: number;
  heartbeatAt: number;
  doing: string;
}

/** A socket is doubted after two missed beats, a worker after its lease is half gone, an engine after a long step. */
const BROWSER_STALE_MS = 8_000;
const WORKER_STALE_MS = 30_000;
const ENGINE_QUIET_MS = 15_000;

export function freshness(link: Link, pulse: Pulse, now: number): Freshness {
  if (link.phase === "refused") return offline(link.refusal === "signed-out" ? "signed out" : "not yours to see");
  if (link.phase === "offline") return offline("offline, waits for the network");
  if (link.phase === "waiting") return offline(`offline, retry ${seconds(link.retryAt - now)}`);
  if (link.phase === "catching") return { kind: "catching", sign: "◐", text: progress(link) };
  if (link.phase === "idle" || link.phase === "connecting") return { kind: "catching", sign: "◐", text: "connecting" };
  if (pulse.ended) return { kind: "ended", sign: "■", text: "ended" };
  const silence = now - link.heardAt;
  if (silence > BROWSER_STALE_MS) return stale(`stale ${seconds(silence)}: no word from the server`);
  return pulse.busy ? byPulse(pulse, now) : live("live");
}

function byPulse(pulse: Pulse, now: number): Freshness {
  const beat = now - Math.max(pulse.heartbeatAt, pulse.lastEventAt);
  if (pulse.heartbeatAt > 0 && beat > WORKER_STALE_MS) return stale(`stale ${seconds(beat)}: the worker is silent`);
  if (pulse.lastEventAt === 0) return live("live");
  const quiet = Math.max(0, now - pulse.lastEventAt);
  if (quiet <= ENGINE_QUIET_MS) return live(`live ${seconds(quiet)}`);
  return stale(pulse.doing ? `${seconds(quiet)}: engine busy, ${pulse.doing}` : `${seconds(quiet)}: engine busy`);
}

function live(text: string): Freshness {
  return { kind: "live", sign: "●", text };
}

function stale(text: string): Freshness {
  return { kind: "stale", sign: "○", text };
}

function offline(text: string): Freshness {
  return { kind: "offline", sign: "◌", text };
}

function progress(link: Link): string {
  const all = link.target - link.catchFrom;
  const count = new Intl.NumberFormat("en");
  return all > 20 ? `catching up ${count.format(link.cursor - link.catchFrom)}/${count.format(all)}` : "catching up";
}

function seconds(ms: number): string {
  const value = Math.max(0, ms) / 1000;
  return value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
}
