import { expect, it } from "vitest";
import { nextAnswer, opposite } from "./other-answer";

it("compares with another text whose reward is furthest away", () => {
  const answers = [{ text: "12", reward: 1 }, { text: "12", reward: 1 }, { text: "13", reward: 0.2 }, { text: "?", reward: 0 }];
  expect([opposite(answers, 0), opposite(answers, 3)]).toEqual([3, 0]);
  expect(opposite([{ text: "a", reward: 1 }, { text: "a", reward: 1 }], 0)).toBe(1);
  expect(opposite([{ text: "a", reward: null }], 0)).toBeUndefined();
});

it("walks through the others, never to the picked one", () => {
  expect([nextAnswer(3, 1, undefined), nextAnswer(3, 1, 2), nextAnswer(3, 1, 0), nextAnswer(1, 0, undefined)]).toEqual([2, 0, 2, undefined]);
});
