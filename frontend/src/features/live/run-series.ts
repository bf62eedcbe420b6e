import { Series, type SeriesPayload } from "@/charts/series";
import type { Kept } from "./events";

/** What `/runs/{id}/series` answers. */
export interface SeriesAnswer {
  cursor: number;
  epoch: string;
  series: Record<string, SeriesPayload>;
}

/**
 * All curves of one run. Each knows the cursor it was read at, so that an event that is in it already changes
 * nothing. Listeners are told that something moved; they read the columns when they draw.
 */
export class RunSeries {
  private readonly curves = new Map<string, Series>();
  private readonly readAt = new Map<string, number>();
  private readonly listeners = new Set<() => void>();
  private readonly seen = new Set<string>();
  private known: string[] = [];

  /** Names in the order they were first heard of; the same array until one is added. */
  readonly names = (): string[] => {
    if (this.known.length !== this.seen.size) this.known = [...this.seen];
    return this.known;
  };

  get(name: string): Series | undefined {
    return this.curves.get(name);
  }

  /** Names known from the run's list of metrics, before their points are asked for. */
  announce(names: string[]): void {
    const before = this.seen.size;
    for (const name of names) this.seen.add(name);
    if (this.seen.size !== before) this.notify();
  }

  /** Takes a snapshot. Points that came by event after its cursor are put on top again. */
  load(answer: SeriesAnswer, since: Kept[] = []): void {
    for (const [name, payload] of Object.entries(answer.series)) {
      this.seen.add(name);
      this.curves.set(name, new Series(payload));
      this.readAt.set(name, answer.cursor);
    }
    for (const kept of since) this.apply(kept);
    this.notify();
  }

  append(items: Kept[]): void {
    for (const kept of items) this.apply(kept);
    this.notify();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  clear(): void {
    this.curves.clear();
    this.readAt.clear();
    this.notify();
  }

  /** Points held: a run watched for long is read again, thinned, when this grows too large. */
  longest(): number {
    return Math.max(0, ...[...this.curves.values()].map((series) => series.length));
  }

  private apply({ cursor, attempt, event }: Kept): void {
    if (event.type !== "metrics") return;
    for (const [name, value] of Object.entries(event.values)) {
      if (cursor <= (this.readAt.get(name) ?? 0)) continue;
      const series = this.curves.get(name) ?? new Series();
      series.append({ step: event.step, time: event.time, tokens: event.tokens, value }, attempt);
      this.curves.set(name, series);
      this.readAt.set(name, cursor);
      this.seen.add(name);
    }
  }

  private notify(): void {
    for (const listener of this.listeners) listener();
  }
}
