import type { Kept } from "./events";

/** What the server says on a run's socket. */
export type ServerMessage =
  | { type: "hello"; epoch: string; cursor: number; recovered?: boolean; run?: unknown }
  | { type: "events"; items: Kept[] }
  | { type: "reset"; epoch: string; cursor: number }
  | { type: "run"; run: unknown }
  | { type: "beat"; cursor: number; time?: number };

export type Phase = "idle" | "connecting" | "catching" | "live" | "waiting" | "offline" | "refused";

/** The connection as plain data. Times are milliseconds of the browser's clock. */
export interface Link {
  phase: Phase;
  cursor: number;
  epoch: string;
  /** Newest cursor the server named. */
  target: number;
  /** Where catching up began, for "1,204/1,310". */
  catchFrom: number;
  failures: number;
  retryAt: number;
  heardAt: number;
  /** How far the server's clock is ahead of the browser's, in milliseconds, by its last beat. */
  ahead: number;
  /** A read of the log is under way; what the socket brings meanwhile waits for it. */
  filling: boolean;
  held: Kept[];
  /** Why no retry is made. */
  refusal: "signed-out" | "not-found" | null;
}

export type Input =
  | { type: "start"; cursor: number; epoch: string }
  | { type: "opened" }
  | { type: "message"; message: ServerMessage }
  | { type: "closed"; code: number; random: number }
  | { type: "filled"; items: Kept[]; cursor: number; epoch: string }
  | { type: "fill-failed" }
  | { type: "reloaded"; cursor: number; epoch: string }
  | { type: "tick"; random: number }
  | { type: "wake" }
  | { type: "offline" }
  | { type: "online" }
  | { type: "stop" };

/** What the driver does next: at most one socket is open, events are handed over in order, once. */
export type Effect =
  | { type: "connect"; after: number; epoch: string }
  | { type: "disconnect" }
  | { type: "apply"; items: Kept[] }
  | { type: "fill"; after: number }
  | { type: "reload" };

export const IDLE: Link = {
  phase: "idle",
  cursor: 0,
  epoch: "",
  target: 0,
  catchFrom: 0,
  failures: 0,
  retryAt: 0,
  heardAt: 0,
  ahead: 0,
  filling: false,
  held: [],
  refusal: null,
};

/** The server beats every 5 s; after this much silence the socket is taken for dead. */
export const SILENCE_MS = 12_000;
/** Back from sleep, a shorter silence is enough to doubt the socket. */
const WAKE_SILENCE_MS = 6_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;

/** Wait before try `failures`: doubles up to 15 s, with half of it random so that a restart is not met by all at once. */
export function backoff(failures: number, random: number): number {
  const full = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, failures - 1));
  return full / 2 + (full / 2) * random;
}

export function step(link: Link, input: Input, now: number): [Link, Effect[]] {
  switch (input.type) {
    case "start":
      return connect({ ...IDLE, cursor: input.cursor, epoch: input.epoch, target: input.cursor }, now);
    case "opened":
      return [{ ...link, heardAt: now }, []];
    case "message":
      return onMessage({ ...link, heardAt: now, ahead: aheadOf(input.message, now) ?? link.ahead }, input.message);
    case "closed":
      return onClosed(link, input.code, input.random, now);
    case "filled":
      return onFilled(link, input);
    case "fill-failed":
      return [{ ...link, filling: false, held: [] }, []];
    case "reloaded":
      return settle({ ...link, filling: false, epoch: input.epoch, cursor: input.cursor, target: Math.max(link.target, input.cursor) }, link.held);
    case "tick":
      return onTick(link, input.random, now);
    case "wake":
      return onWake(link, now);
    case "offline":
      return link.phase === "refused" || link.phase === "idle" ? [link, []] : [{ ...link, phase: "offline" }, [{ type: "disconnect" }]];
    case "online":
      return link.phase === "offline" ? connect({ ...link, failures: 0 }, now) : [link, []];
    case "stop":
      return [{ ...link, phase: "idle" }, [{ type: "disconnect" }]];
  }
}

function connect(link: Link, now: number): [Link, Effect[]] {
  const next: Link = { ...link, phase: "connecting", heardAt: now, filling: false, held: [] };
  return [next, [{ type: "connect", after: link.cursor, epoch: link.epoch }]];
}

function onMessage(link: Link, message: ServerMessage): [Link, Effect[]] {
  switch (message.type) {
    case "hello":
      if (link.epoch !== "" && message.epoch !== link.epoch) return reload({ ...link, target: message.cursor });
      return settle({ ...link, failures: 0, epoch: message.epoch, target: message.cursor, catchFrom: link.cursor }, []);
    case "events":
      return onEvents(link, message.items);
    case "reset":
      return reload({ ...link, target: message.cursor });
    case "beat":
      return onBeat(link, message.cursor);
    case "run":
      return [link, []];
  }
}

/** A beat says the server's time in seconds; the way it took makes it look a little behind. */
function aheadOf(message: ServerMessage, now: number): number | null {
  return message.type === "beat" && typeof message.time === "number" ? message.time * 1000 - now : null;
}

function reload(link: Link): [Link, Effect[]] {
  if (link.filling) return [link, []];
  return [{ ...link, phase: "catching", catchFrom: link.cursor, filling: true, held: [] }, [{ type: "reload" }]];
}

function onEvents(link: Link, items: Kept[]): [Link, Effect[]] {
  if (link.filling) return [{ ...link, held: [...link.held, ...items] }, []];
  return settle(link, items);
}

/** Hands over what follows the cursor without a gap; at a gap the log is read. */
function settle(link: Link, items: Kept[]): [Link, Effect[]] {
  const fresh = items.filter((item) => item.cursor > link.cursor).sort((a, b) => a.cursor - b.cursor);
  const run: Kept[] = [];
  let cursor = link.cursor;
  for (const item of fresh) {
    if (item.cursor === cursor) continue;
    if (item.cursor !== cursor + 1) break;
    run.push(item);
    cursor = item.cursor;
  }
  const newest = fresh.at(-1)?.cursor ?? cursor;
  const target = Math.max(link.target, newest);
  const effects: Effect[] = run.length > 0 ? [{ type: "apply", items: run }] : [];
  const next: Link = { ...link, cursor, target, held: [], phase: cursor < target ? "catching" : "live" };
  if (newest === cursor) return [next, effects];
  const held = fresh.filter((item) => item.cursor > cursor);
  return [{ ...next, filling: true, held }, [...effects, { type: "fill", after: cursor }]];
}

/** A beat ahead of us twice in a row means that the last message was dropped: the first may only have overtaken it. */
function onBeat(link: Link, cursor: number): [Link, Effect[]] {
  const missed = link.cursor < link.target && cursor >= link.target && !link.filling;
  const next: Link = { ...link, target: Math.max(link.target, cursor), phase: link.cursor < cursor ? "catching" : link.phase };
  if (link.phase !== "catching" && next.phase === "catching") next.catchFrom = link.cursor;
  return missed ? [{ ...next, filling: true }, [{ type: "fill", after: link.cursor }]] : [next, []];
}

function onFilled(link: Link, input: { items: Kept[]; cursor: number; epoch: string }): [Link, Effect[]] {
  if (link.epoch !== "" && input.epoch !== link.epoch) return reload({ ...link, filling: false });
  return settle({ ...link, filling: false, target: Math.max(link.target, input.cursor) }, [...input.items, ...link.held]);
}

function onClosed(link: Link, code: number, random: number, now: number): [Link, Effect[]] {
  if (link.phase === "idle" || link.phase === "offline" || link.phase === "refused") return [link, []];
  if (code === 4401) return [{ ...link, phase: "refused", refusal: "signed-out" }, []];
  if (code === 4404 || code === 4403) return [{ ...link, phase: "refused", refusal: "not-found" }, []];
  const failures = link.failures + 1;
  const wait = code === 4408 ? 0 : backoff(failures, random);
  return [{ ...link, phase: "waiting", failures, retryAt: now + wait, filling: false, held: [] }, []];
}

function onTick(link: Link, random: number, now: number): [Link, Effect[]] {
  if (link.phase === "waiting" && now >= link.retryAt) return connect(link, now);
  const open = link.phase === "live" || link.phase === "catching" || link.phase === "connecting";
  if (!open || now - link.heardAt <= SILENCE_MS) return [link, []];
  const [next] = onClosed(link, 1006, random, now);
  return [next, [{ type: "disconnect" }]];
}

function onWake(link: Link, now: number): [Link, Effect[]] {
  if (link.phase === "waiting") return connect({ ...link, failures: 0 }, now);
  const open = link.phase === "live" || link.phase === "catching";
  if (!open || now - link.heardAt <= WAKE_SILENCE_MS) return [link, []];
  const [next, effects] = connect({ ...link, failures: 0 }, now);
  return [next, [{ type: "disconnect" }, ...effects]];
}
