import { describe, expect, it } from "vitest";
import { answerBadges, repeats } from "./answer-badges";
import { histogram } from "./histogram";
import { CHANNELS, channelsOf, lensColour, lensLevel, lensScale, type LensChannel } from "./lens";

const advantage = CHANNELS[0] as LensChannel;
const surprise = CHANNELS[2] as LensChannel;

describe("badges", () => {
  it("tell a cut and an empty answer", () => expect(answerBadges({ text: " ", truncated: true, length: 64 }).map((badge) => badge.word)).toEqual(["cut", "empty"]));
  it("tell an answer that goes round in circles", () => expect(repeats("the answer is the answer is the answer is the answer is the answer is")).toBe(true));
  it("tell repeated signs without spaces", () => expect(repeats("12121212121212121212121212")).toBe(true));
  it("leave an ordinary sentence alone", () => expect(repeats("First add the tens, then add the ones, then write the sum after four hashes.")).toBe(false));
});

describe("the lens", () => {
  it("is full at the 98th percentile, so that one wild token does not bleach the rest", () => {
    const values = [...Array.from({ length: 99 }, () => 1), 100];
    expect(lensScale(advantage, [{ ids: [], texts: [], advantages: values }])).toBe(1);
  });

  it("has three steps either way and a clear middle", () => {
    expect([-1, -0.5, -0.2, 0, 0.1, 0.3, 2].map((value) => lensLevel(advantage, value, 1))).toEqual([-3, -2, -1, 0, 0, 1, 3]);
    expect([lensColour(advantage, -3), lensColour(advantage, 0), lensColour(advantage, 1)]).toEqual(["var(--ls-minus-3)", undefined, "var(--ls-plus-1)"]);
  });

  it("shows unlikely tokens strong, sure ones clear", () => {
    expect([lensLevel(surprise, -4, 4), lensLevel(surprise, -0.01, 4), lensLevel(surprise, null, 4)]).toEqual([3, 0, 0]);
  });

  it("offers only the channels that have values", () => {
    expect(channelsOf([{ ids: [1], texts: ["a"], kl: [0.1], entropy: [null] }]).map((channel) => channel.name)).toEqual(["kl"]);
  });
});

describe("the histogram", () => {
  it("counts the greatest value into the last bin", () => expect(histogram([0, 0.5, 1], 2)).toEqual({ low: 0, high: 1, counts: [1, 2] }));
  it("has room around a single value", () => expect(histogram([1, 1], 2)).toEqual({ low: 0.5, high: 1.5, counts: [0, 2] }));
  it("is nothing without values", () => expect(histogram([], 4)).toBeNull());
});
