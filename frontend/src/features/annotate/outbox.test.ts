import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Judged } from "@/api/annotation";
import { Problem } from "@/api/problem";
import { Outbox, type Submission } from "./outbox";
import { memoryStore } from "./outbox-store";

const OWNER = { campaignId: "cmp_1", userId: "usr_1" };
const verdict = (id: string, change: Partial<Submission> = {}): Submission => ({
  client_id: id, campaign_id: "cmp_1", user_id: "usr_1", task_id: `tsk_${id}`, verdict: "a", version: 1, comment: "", flagged: false, seconds: 2, at: 1, ...change,
});
const answer = (submission: Submission): Judged => ({ tasks: [], progress: { state: "open", tasks: 9, done: 1, mine: 1 }, judgment: { client_id: submission.client_id } as Judged["judgment"] });
const offline = new Problem({ status: 0, code: "offline" });
const ids = (list: readonly Submission[]): string[] => list.map((one) => one.client_id);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function made(send: (submission: Submission) => Promise<Judged>, kept: Submission[] = []) {
  const store = memoryStore(kept);
  const told: string[] = [];
  const box = new Outbox(OWNER, store, send, (judged) => told.push(judged.judgment.client_id));
  return { box, store, told };
}

describe("the outbox", () => {
  it("sends what it is given once and forgets it", async () => {
    const { box, store, told } = made((one) => Promise.resolve(answer(one)));
    await box.add(verdict("1"));
    expect(told).toEqual(["1"]);
    expect(await store.all()).toEqual([]);
    expect(box.snapshot().waiting).toEqual([]);
  });

  it("keeps all while the network is gone and sends them in order when it is back", async () => {
    let there = false;
    const { box, store, told } = made((one) => (there ? Promise.resolve(answer(one)) : Promise.reject(offline)));
    for (const id of ["1", "2", "3"]) await box.add(verdict(id));
    expect(ids(box.snapshot().waiting)).toEqual(["1", "2", "3"]);
    expect(box.snapshot().stuck).toBe(true);
    expect(ids(await store.all())).toEqual(["1", "2", "3"]);
    there = true;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(told).toEqual(["1", "2", "3"]);
    expect(box.snapshot()).toEqual({ waiting: [], refused: [], stuck: false });
  });

  it("takes up after a reload what an earlier visit left, and nothing of others", async () => {
    const kept = [verdict("2", { at: 2 }), verdict("1"), verdict("x", { user_id: "usr_2" }), verdict("y", { campaign_id: "cmp_2" })];
    const { box, told } = made((one) => Promise.resolve(answer(one)), kept);
    await box.load();
    expect(told).toEqual(["1", "2"]);
  });

  it("keeps the text of one that did not count, until it was read", async () => {
    const lost = new Problem({ status: 409, code: "hold_lost", detail: "You no longer held this pair." });
    const { box, store, told } = made((one) => (one.client_id === "1" ? Promise.reject(lost) : Promise.resolve(answer(one))));
    await box.add(verdict("1", { comment: "long thought" }));
    await box.add(verdict("2"));
    expect(told).toEqual(["2"]);
    expect(box.snapshot().refused.map((one) => [one.comment, one.refusal])).toEqual([["long thought", "You no longer held this pair."]]);
    expect(ids(await store.all())).toEqual(["1"]);
    await box.dismiss("1");
    expect(await store.all()).toEqual([]);
  });

  it("gives back what was not sent yet, and not what is on its way", async () => {
    let arrive: (answer: Judged) => void = () => undefined;
    const { box } = made(() => new Promise((resolve) => {
      arrive = resolve;
    }));
    void box.add(verdict("1"));
    await vi.advanceTimersByTimeAsync(0);
    void box.add(verdict("2"));
    expect(box.withdraw("1")).toBe(false);
    expect(box.withdraw("2")).toBe(true);
    arrive(answer(verdict("1")));
    await vi.advanceTimersByTimeAsync(0);
    expect(box.snapshot().waiting).toEqual([]);
  });

  it.each([401, 429, 503])("waits when the server answers %d", async (status) => {
    const { box } = made(() => Promise.reject(new Problem({ status })));
    await box.add(verdict("1"));
    expect(ids(box.snapshot().waiting)).toEqual(["1"]);
  });
});
