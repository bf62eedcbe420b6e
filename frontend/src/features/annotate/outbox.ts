/** Judgments on their way to the server: kept in the browser until the server has them, sent one after the other, in order. */

import type { Judged, NewJudgment } from "@/api/annotation";
import { explain, Problem } from "@/api/problem";

/** A judgment with what the server needs to know whose it is; `refusal` says why the server did not count it. */
export interface Submission extends Omit<NewJudgment, "want"> { campaign_id: string; user_id: string; at: number; refusal?: string }

/** Where they are kept over a reload. */
export interface OutboxStore {
  all: () => Promise<Submission[]>;
  put: (submission: Submission) => Promise<void>;
  remove: (clientId: string) => Promise<void>;
}

export interface OutboxState { waiting: readonly Submission[]; refused: readonly Submission[]; stuck: boolean }

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 15_000;

/** Whether the server may still take it: no answer, an answer that it is too busy, or nobody signed in at the moment. */
export function isPassing(error: unknown): boolean {
  return !(error instanceof Problem) || error.status === 0 || error.status === 401 || error.status === 429 || error.status >= 500 || error.code === "in_work";
}

export class Outbox {
  private state: OutboxState = { waiting: [], refused: [], stuck: false };
  private readonly listeners = new Set<() => void>();
  private sending: Promise<void> | null = null;
  private inFlight: string | null = null;
  private retry = FIRST_RETRY_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly owner: { campaignId: string; userId: string },
    private readonly store: OutboxStore,
    private readonly send: (submission: Submission) => Promise<Judged>,
    private readonly onKept: (answer: Judged) => void,
  ) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly snapshot = (): OutboxState => this.state;

  /** Takes up what an earlier visit left. */
  async load(): Promise<void> {
    const kept = (await this.store.all()).filter((one) => one.campaign_id === this.owner.campaignId && one.user_id === this.owner.userId);
    const known = new Set([...this.state.waiting, ...this.state.refused].map((one) => one.client_id));
    const older = kept.filter((one) => !known.has(one.client_id)).toSorted((a, b) => a.at - b.at);
    this.change({
      waiting: [...older.filter((one) => one.refusal === undefined), ...this.state.waiting],
      refused: [...older.filter((one) => one.refusal !== undefined), ...this.state.refused],
    });
    await this.flush();
  }

  async add(submission: Submission): Promise<void> {
    this.change({ waiting: [...this.state.waiting, submission] });
    await this.store.put(submission);
    await this.flush();
  }

  /** Takes one back that was not sent yet; false when it is on its way or gone. */
  withdraw(clientId: string): boolean {
    if (this.inFlight === clientId || !this.state.waiting.some((one) => one.client_id === clientId)) return false;
    this.change({ waiting: this.state.waiting.filter((one) => one.client_id !== clientId) });
    void this.store.remove(clientId);
    return true;
  }

  /** The text of one that did not count was read: it may go. */
  async dismiss(clientId: string): Promise<void> {
    this.change({ refused: this.state.refused.filter((one) => one.client_id !== clientId) });
    await this.store.remove(clientId);
  }

  /** Sends all that waits. Ends when nothing waits or the server does not take any now; then it tries again by itself. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.sending ??= this.sendAll().finally(() => {
      this.sending = null;
    });
    return this.sending;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.listeners.clear();
  }

  private async sendAll(): Promise<void> {
    for (let next = this.state.waiting[0]; next; next = this.state.waiting[0]) {
      if (!(await this.sendOne(next))) {
        this.change({ stuck: true });
        this.timer = setTimeout(() => void this.flush(), this.retry);
        this.retry = Math.min(this.retry * 2, LONGEST_RETRY_MS);
        return;
      }
      this.retry = FIRST_RETRY_MS;
    }
    this.change({ stuck: false });
  }

  /** False when it is to be sent again later. */
  private async sendOne(submission: Submission): Promise<boolean> {
    this.inFlight = submission.client_id;
    try {
      const answer = await this.send(submission);
      this.change({ waiting: this.without(submission), stuck: false });
      await this.store.remove(submission.client_id);
      this.onKept(answer);
    } catch (error) {
      if (isPassing(error)) return false;
      const refused = { ...submission, refusal: explain(error) };
      this.change({ waiting: this.without(submission), refused: [...this.state.refused, refused], stuck: false });
      await this.store.put(refused);
    } finally {
      this.inFlight = null;
    }
    return true;
  }

  private without(submission: Submission): Submission[] {
    return this.state.waiting.filter((one) => one.client_id !== submission.client_id);
  }

  private change(part: Partial<OutboxState>): void {
    this.state = { ...this.state, ...part };
    for (const listener of this.listeners) listener();
  }
}
