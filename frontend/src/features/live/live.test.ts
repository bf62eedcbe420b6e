import { describe, expect, it } from "vitest";
import type { Kept, RunEvent } from "./events";
import { freshness } from "./freshness";
import { backoff, IDLE, SILENCE_MS, step, type Effect, type Input, type Link } from "./live-socket";
import { RunSeries } from "./run-series";
import { applyEvents, EMPTY_VIEW } from "./run-view";

function kept(cursor: number, event: Partial<RunEvent> & { type: RunEvent["type"] }, attempt = 1): Kept {
  return { cursor, attempt, event: { time: cursor, ...event } as RunEvent };
}

function metric(cursor: number, at: number, value: number | null, attempt = 1): Kept {
  return kept(cursor, { type: "metrics", step: at, values: { reward: value }, tokens: at * 10 } as never, attempt);
}

function drive(inputs: Input[], now = 0): { link: Link; effects: Effect[]; last: Effect[] } {
  let link = IDLE;
  let last: Effect[] = [];
  const effects: Effect[] = [];
  for (const input of inputs) {
    [link, last] = step(link, input, now);
    effects.push(...last);
  }
  return { link, effects, last };
}

const opened: Input[] = [
  { type: "start", cursor: 10, epoch: "e1" },
  { type: "opened" },
  { type: "message", message: { type: "hello", epoch: "e1", cursor: 10 } },
];

function events(...items: Kept[]): Input {
  return { type: "message", message: { type: "events", items } };
}

describe("the socket", () => {
  it("connects with the cursor it has", () => expect(drive(opened.slice(0, 1)).effects).toEqual([{ type: "connect", after: 10, epoch: "e1" }]));

  it("is live when the server has nothing newer", () => expect(drive(opened).link.phase).toBe("live"));

  it("says it is catching up until the server's cursor is reached", () => {
    const hello: Input = { type: "message", message: { type: "hello", epoch: "e1", cursor: 12 } };
    const behind = drive([...opened.slice(0, 2), hello]);
    expect(behind.link.phase).toBe("catching");
    const caught = drive([...opened.slice(0, 2), hello, events(metric(11, 1, 1), metric(12, 2, 1))]);
    expect(caught.link.phase).toBe("live");
  });

  it("hands every event over once, in order", () => {
    const { effects } = drive([...opened, events(metric(12, 2, 1), metric(11, 1, 1)), events(metric(12, 2, 1), metric(13, 3, 1))]);
    const cursors = effects.flatMap((effect) => (effect.type === "apply" ? effect.items.map((item) => item.cursor) : []));
    expect(cursors).toEqual([11, 12, 13]);
  });

  it("reads the log at a gap, and keeps what came after the gap for then", () => {
    const gap = drive([...opened, events(metric(11, 1, 1), metric(14, 4, 1))]);
    expect(gap.last).toContainEqual({ type: "fill", after: 11 });
    const filled = drive([...opened, events(metric(11, 1, 1), metric(14, 4, 1)), events(metric(15, 5, 1)), { type: "filled", items: [metric(12, 2, 1), metric(13, 3, 1)], cursor: 13, epoch: "e1" }]);
    expect(filled.link).toMatchObject({ cursor: 15, phase: "live" });
  });

  it("takes one beat ahead for haste and two for a lost message", () => {
    const beat: Input = { type: "message", message: { type: "beat", cursor: 11 } };
    expect(drive([...opened, beat]).last).toEqual([]);
    expect(drive([...opened, beat, beat]).last).toEqual([{ type: "fill", after: 10 }]);
  });

  it("starts again from the snapshot when the server says so or began a new epoch", () => {
    expect(drive([...opened, { type: "message", message: { type: "reset", epoch: "e1", cursor: 900 } }]).last).toEqual([{ type: "reload" }]);
    expect(drive([...opened.slice(0, 2), { type: "message", message: { type: "hello", epoch: "e2", cursor: 3 } }]).last).toEqual([{ type: "reload" }]);
  });

  it("goes on after the snapshot with what came meanwhile", () => {
    const { link, last } = drive([...opened, { type: "message", message: { type: "reset", epoch: "e2", cursor: 900 } }, events(metric(901, 5, 1)), { type: "reloaded", cursor: 900, epoch: "e2" }]);
    expect(link).toMatchObject({ cursor: 901, phase: "live", epoch: "e2" });
    expect(last).toEqual([{ type: "apply", items: [metric(901, 5, 1)] }]);
  });

  it("waits longer after each failure, never over 15 s, never all at once", () => {
    expect([backoff(1, 0), backoff(1, 1), backoff(3, 1), backoff(20, 1), backoff(20, 0)]).toEqual([250, 500, 2000, 15000, 7500]);
  });

  it("comes back by itself after a close, with its cursor", () => {
    const closed = drive([...opened, events(metric(11, 1, 1)), { type: "closed", code: 1006, random: 1 }]);
    expect(closed.link).toMatchObject({ phase: "waiting", retryAt: 500 });
    expect(step(closed.link, { type: "tick", random: 0 }, 500)[1]).toEqual([{ type: "connect", after: 11, epoch: "e1" }]);
  });

  it("comes back at once when it was too slow", () => expect(drive([...opened, { type: "closed", code: 4408, random: 1 }]).link.retryAt).toBe(0));

  it("does not knock again when signed out or not a member", () => {
    expect(drive([...opened, { type: "closed", code: 4401, random: 1 }]).link).toMatchObject({ phase: "refused", refusal: "signed-out" });
    expect(drive([...opened, { type: "closed", code: 4404, random: 1 }]).link.refusal).toBe("not-found");
  });

  it("takes a silent socket for dead", () => {
    const [link, effects] = step(drive(opened).link, { type: "tick", random: 0 }, SILENCE_MS + 1);
    expect(link.phase).toBe("waiting");
    expect(effects).toEqual([{ type: "disconnect" }]);
  });

  it("reconnects at once on waking from sleep", () => {
    const [, effects] = step(drive(opened).link, { type: "wake" }, 60_000);
    expect(effects).toEqual([{ type: "disconnect" }, { type: "connect", after: 10, epoch: "e1" }]);
    expect(step(drive(opened).link, { type: "wake" }, 1000)[1]).toEqual([]);
  });

  it("rests while the browser is offline and comes back with it", () => {
    const off = drive([...opened, { type: "offline" }]);
    expect(off.link.phase).toBe("offline");
    expect(step(off.link, { type: "tick", random: 0 }, 99_999)[1]).toEqual([]);
    expect(step(off.link, { type: "online" }, 99_999)[1]).toEqual([{ type: "connect", after: 10, epoch: "e1" }]);
  });
});

describe("the curves of a run", () => {
  const snapshot = { cursor: 5, epoch: "e", series: { reward: { step: [1, 2, 3], time: [1, 2, 3], tokens: [10, 20, 30], value: [0.1, 0.2, 0.3], total: 3, exact: true } } };

  it("do not take a point twice that the snapshot holds already", () => {
    const store = new RunSeries();
    store.load(snapshot);
    store.append([metric(5, 3, 9), metric(6, 4, 0.4)]);
    expect([...(store.get("reward")?.value.view() ?? [])]).toEqual([0.1, 0.2, 0.3, 0.4]);
  });

  it("follow the newer branch when a resumed run goes back", () => {
    const store = new RunSeries();
    store.load(snapshot);
    store.append([metric(6, 2, 0.5, 2), metric(7, 3, 0.6, 2)]);
    expect([...(store.get("reward")?.value.view() ?? [])]).toEqual([0.1, 0.5, 0.6]);
  });

  it("put events that came after a snapshot's cursor on top of it", () => {
    const store = new RunSeries();
    store.load(snapshot, [metric(4, 2, 9), metric(6, 4, 0.4)]);
    expect(store.get("reward")?.step.last()).toBe(4);
  });

  it("hold what is not finite as a gap", () => {
    const store = new RunSeries();
    store.append([metric(1, 1, null)]);
    expect(store.get("reward")?.value.last()).toBeNaN();
  });

  it("tell their listeners once a batch", () => {
    const store = new RunSeries();
    let told = 0;
    store.subscribe(() => (told += 1));
    store.append([metric(1, 1, 1), metric(2, 2, 1)]);
    expect(told).toBe(1);
  });
});

describe("the view of a run", () => {
  it("follows progress, doing and live changes", () => {
    const view = applyEvents(EMPTY_VIEW, [
      kept(1, { type: "status", state: "running", doing: "generating 12/64" } as never),
      kept(2, { type: "progress", step: 3, total: 10, eta_seconds: 7, tokens: 1 } as never),
      kept(3, { type: "change", step: 3, field: "learning_rate", old: 1e-5, new: 2e-5, by: "ada" } as never),
    ]);
    expect(view).toMatchObject({ step: 3, total: 10, etaSeconds: 7, doing: "generating 12/64", live: { learning_rate: 2e-5 } });
    expect(view.marks.map((mark) => [mark.kind, mark.text])).toEqual([["change", "learning_rate 1e-5 → 2e-5 by ada"]]);
  });

  it("applies an event once however often it comes", () => {
    const checkpoint = kept(1, { type: "checkpoint", step: 5, path: "", size_bytes: 1, reason: "interval", metrics: {} } as never);
    expect(applyEvents(EMPTY_VIEW, [checkpoint, checkpoint]).checkpoints).toBe(1);
  });

  it("marks where a later attempt took over", () => {
    const view = applyEvents(EMPTY_VIEW, [metric(1, 8, 1, 1), kept(2, { type: "status", state: "starting", doing: "" } as never, 2), metric(3, 5, 1, 2)]);
    expect(view.marks).toMatchObject([{ kind: "resume", step: 5, text: "resumed, try 2" }]);
  });
});

describe("freshness", () => {
  const live = drive(opened, 1000).link;
  const pulse = { ended: false, busy: true, lastEventAt: 1000, heartbeatAt: 1000, doing: "" };

  it("says how old the newest event is", () => expect(freshness(live, pulse, 1400)).toEqual({ kind: "live", seconds: 0.4 }));

  it("says what a quiet engine does and since when, as long as its worker answers", () => {
    const busy = { ...pulse, doing: "generating 12/64", heartbeatAt: 20_000 };
    expect(freshness({ ...live, heardAt: 20_000 }, busy, 21_000)).toEqual({ kind: "busy", seconds: 20, doing: "generating 12/64" });
  });

  it("measures the run's pulse by the server's clock", () => {
    const [ahead] = step(live, { type: "message", message: { type: "beat", cursor: 10, time: 61 } }, 1000);
    expect(ahead.ahead).toBe(60_000);
    expect(freshness(ahead, { ...pulse, lastEventAt: 61_000, heartbeatAt: 0 }, 1400)).toEqual({ kind: "live", seconds: 0.4 });
  });

  it("blames a silent worker", () => expect(freshness({ ...live, heardAt: 40_000 }, pulse, 41_000)).toMatchObject({ cause: "worker" }));
  it("blames the way to the server", () => expect(freshness(live, pulse, 13_000)).toMatchObject({ cause: "browser" }));
  it("counts down to the next try", () => expect(freshness({ ...live, phase: "waiting", retryAt: 4000 }, pulse, 1000)).toEqual({ kind: "offline", retrySeconds: 3 }));

  it("says how far catching up is", () => {
    const catching = { ...live, phase: "catching" as const, catchFrom: 10, cursor: 1204, target: 1310 };
    expect(freshness(catching, pulse, 0)).toEqual({ kind: "catching_up", done: 1194, total: 1300 });
  });

  it("is at rest when the run has ended", () => expect(freshness(live, { ...pulse, ended: true }, 1000)).toEqual({ kind: "ended" }));
});
