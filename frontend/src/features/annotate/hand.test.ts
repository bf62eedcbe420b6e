import { expect, it } from "vitest";
import type { PairTask } from "@/api/shapes";
import { EMPTY_HAND, handed, judged, takenBack } from "./hand";

const task = (number: number, version = 1): PairTask => ({ id: `t${number}`, number, version, prompt: "", a: "", b: "", lease_until: "" });
const ids = (hand: { tasks: readonly PairTask[] }): string[] => hand.tasks.map((one) => one.id);

it("puts new pairs behind those in hand and renews the hold of those", () => {
  const hand = handed(handed(EMPTY_HAND, [task(2), task(3)]), [task(1), task(2, 2), task(3)]);
  expect(ids(hand)).toEqual(["t2", "t3", "t1"]);
  expect(hand.tasks[0]?.version).toBe(2);
});

it("lets go of pairs whose hold was lost, but for the one on the screen", () => {
  const hand = handed(EMPTY_HAND, [task(1), task(2), task(3)]);
  expect(ids(handed(hand, [task(3), task(4)]))).toEqual(["t1", "t3", "t4"]);
});

it("does not show a pair again whose judgment is still on its way", () => {
  const hand = judged(handed(EMPTY_HAND, [task(1), task(2)]));
  expect(ids(handed(hand, [task(1), task(2), task(3)]))).toEqual(["t2", "t3"]);
});

it("brings a pair back to the screen that was taken back", () => {
  const hand = takenBack(judged(handed(EMPTY_HAND, [task(1), task(2)])), task(1));
  expect(ids(hand)).toEqual(["t1", "t2"]);
  expect(ids(handed(judged(hand), [task(1), task(2)]))).toEqual(["t2"]);
});
