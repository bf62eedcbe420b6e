import { getEvents, getRun, getSeries } from "@/api/run";
import type { Run } from "@/api/shapes";
import type { StepRange } from "@/charts/axis";
import type { Kept, RunEvent } from "./events";
import { IDLE, step, type Effect, type Input, type Link, type ServerMessage } from "./live-socket";
import { RunSeries } from "./run-series";
import { applyEvents, EMPTY_VIEW, markOf, type RunView } from "./run-view";

/** Points a curve is asked for: two for each pixel of a panel. */
const POINTS = 800;
/** A curve watched for this many points is read again, thinned. */
const MOST_POINTS = 6_000;
const RECENT = 2_000;
const OVERVIEW = ["reward", "kl", "loss"];
const OVERVIEW_POINTS = 200;
const PAGE = 500;
/** Beyond this many missed events a new snapshot is cheaper than the log. */
const MOST_FILLED = 5_000;

/** What the page reads of a feed; a new object whenever something in it changed. */
export interface FeedState {
  link: Link;
  view: RunView;
  /** Counts snapshots: lists that follow events read themselves again when it moves. */
  reloads: number;
}

/**
 * One run's live feed: the socket is a hint, the log is the truth. Points go into `series` and from there to the
 * canvas; the rest is a small state that components subscribe to.
 */
export class RunFeed {
  /** The curves the charts show, for the range they show. */
  readonly series = new RunSeries();
  /** The few curves the header judges by, always whole. */
  readonly overview = new RunSeries();
  private state: FeedState;
  private socket: WebSocket | null = null;
  private clock = 0;
  private recent: Kept[] = [];
  private readonly wanted = new Map<string, StepRange | null>();
  private readonly tickets = new Map<string, number>();
  private loads = 0;
  private readonly readers = new Set<() => void>();
  private readonly eventReaders = new Set<(items: Kept[]) => void>();

  constructor(
    readonly runId: string,
    run: Run,
    private readonly onRun: (run: Partial<Run>) => void,
  ) {
    this.state = { link: IDLE, view: viewOf(run), reloads: 0 };
  }

  start(run: Run): void {
    window.addEventListener("online", this.online);
    window.addEventListener("offline", this.offline);
    document.addEventListener("visibilitychange", this.visible);
    this.clock = window.setInterval(() => this.input({ type: "tick", random: Math.random() }), 1000);
    void this.readMarks(run.cursor);
    void this.loadOverview().catch(ignoreUntilNextTime);
    this.input({ type: "start", cursor: run.cursor, epoch: run.epoch });
  }

  stop(): void {
    window.removeEventListener("online", this.online);
    window.removeEventListener("offline", this.offline);
    document.removeEventListener("visibilitychange", this.visible);
    window.clearInterval(this.clock);
    this.input({ type: "stop" });
  }

  readonly subscribe = (reader: () => void): (() => void) => {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  };

  readonly snapshot = (): FeedState => this.state;

  /** Hears every event once, in order. */
  onEvents(reader: (items: Kept[]) => void): () => void {
    this.eventReaders.add(reader);
    return () => this.eventReaders.delete(reader);
  }

  /** Reads these curves for a range of steps; what comes by event meanwhile is put on top. */
  async load(names: string[], range: StepRange | null): Promise<void> {
    if (names.length === 0) return;
    this.loads += 1;
    const ticket = this.loads;
    for (const name of names) {
      this.wanted.set(name, range);
      this.tickets.set(name, ticket);
    }
    const answer = await getSeries(this.runId, names, range, POINTS);
    const current = Object.entries(answer.series).filter(([name]) => this.tickets.get(name) === ticket);
    this.series.load({ ...answer, series: Object.fromEntries(current) }, this.recent);
  }

  /** Reads the curves the header judges by. */
  async loadOverview(): Promise<void> {
    this.overview.load(await getSeries(this.runId, OVERVIEW, null, OVERVIEW_POINTS), this.recent);
  }

  private readonly online = (): void => this.input({ type: "online" });
  private readonly offline = (): void => this.input({ type: "offline" });
  private readonly visible = (): void => {
    if (document.visibilityState === "visible") this.input({ type: "wake" });
  };

  private input(input: Input): void {
    const [link, effects] = step(this.state.link, input, Date.now());
    if (link !== this.state.link) this.set({ link });
    for (const effect of effects) this.perform(effect);
  }

  private perform(effect: Effect): void {
    switch (effect.type) {
      case "connect":
        return this.connect(effect.after, effect.epoch);
      case "disconnect":
        return this.disconnect();
      case "apply":
        return this.apply(effect.items);
      case "fill":
        void this.fill(effect.after);
        return undefined;
      case "reload":
        void this.reload();
        return undefined;
    }
  }

  private connect(after: number, epoch: string): void {
    this.disconnect();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws/runs/${this.runId}?after=${after}&epoch=${encodeURIComponent(epoch)}`);
    this.socket = socket;
    const mine = (input: Input): void => {
      if (this.socket === socket) this.input(input);
    };
    socket.onopen = () => mine({ type: "opened" });
    socket.onclose = (event) => mine({ type: "closed", code: event.code, random: Math.random() });
    socket.onmessage = (event) => {
      const message = JSON.parse(String(event.data)) as ServerMessage;
      if ((message.type === "run" || message.type === "hello") && message.run) this.onRun(message.run as Partial<Run>);
      mine({ type: "message", message });
    };
  }

  private disconnect(): void {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private apply(items: Kept[]): void {
    this.recent = [...this.recent, ...items.filter(({ event }) => event.type === "metrics")].slice(-RECENT);
    this.series.append(items);
    this.overview.append(items);
    this.set({ view: applyEvents(this.state.view, items) });
    for (const reader of this.eventReaders) reader(items);
    if (this.series.longest() > MOST_POINTS) void this.loadAgain().catch(ignoreUntilNextTime);
  }

  private async fill(after: number): Promise<void> {
    try {
      const items: Kept[] = [];
      let from: number | null = after;
      while (from !== null) {
        const page: Awaited<ReturnType<typeof getEvents<RunEvent>>> = await getEvents<RunEvent>(this.runId, { after: from, limit: PAGE });
        items.push(...page.items);
        from = page.next;
        if (items.length > MOST_FILLED) return await this.reload();
        if (from === null) this.input({ type: "filled", items, cursor: page.cursor, epoch: page.epoch });
      }
    } catch {
      this.input({ type: "fill-failed" });
    }
  }

  private async reload(): Promise<void> {
    try {
      const run = await getRun(this.runId);
      this.onRun(run);
      this.recent = [];
      this.series.clear();
      this.overview.clear();
      this.set({ view: viewOf(run), reloads: this.state.reloads + 1 });
      await Promise.all([this.loadAgain(), this.loadOverview(), this.readMarks(run.cursor)]);
      this.input({ type: "reloaded", cursor: run.cursor, epoch: run.epoch });
    } catch {
      this.input({ type: "fill-failed" });
    }
  }

  private async loadAgain(): Promise<void> {
    const groups = new Map<StepRange | null, string[]>();
    for (const [name, range] of this.wanted) groups.set(range, [...(groups.get(range) ?? []), name]);
    await Promise.all([...groups].map(([range, names]) => this.load(names, range)));
  }

  /** The signs of the past: checkpoints, changes, alerts, and where later attempts began. */
  private async readMarks(until: number): Promise<void> {
    const types = ["checkpoint", "change", "alert"];
    const page = await getEvents<RunEvent>(this.runId, { after: 0, limit: PAGE, types }).catch(() => null);
    const past = (page?.items ?? []).filter((kept) => kept.cursor <= until);
    const marks = past.flatMap((kept) => markOf(kept.event, kept.cursor, 0) ?? []);
    const known = this.state.view.marks.filter((mark) => mark.cursor > until);
    this.set({ view: { ...this.state.view, marks: [...marks, ...known] } });
  }

  private set(change: Partial<FeedState>): void {
    this.state = { ...this.state, ...change };
    for (const reader of this.readers) reader();
  }
}

function viewOf(run: Run): RunView {
  return {
    ...EMPTY_VIEW,
    cursor: run.cursor,
    attempt: run.attempt,
    step: run.step,
    total: run.total,
    etaSeconds: run.eta_seconds,
    doing: run.doing,
    lastEventTime: run.last_event_at ? Date.parse(run.last_event_at) / 1000 : 0,
    live: Object.fromEntries(Object.entries(run.live).filter((entry): entry is [string, number] => entry[1] !== null)),
  };
}

function ignoreUntilNextTime(): void {
  // Thinning again is a convenience: the next batch asks anew.
}
