import { describe, expect, it } from "vitest";
import { likeness, wordDiff } from "./word-diff";

const told = (before: string, after: string): string => wordDiff(before, after).map(({ kind, text }) => (kind === "same" ? text : kind === "gone" ? `[-${text}-]` : `{+${text}+}`)).join("");

describe("the diff of two answers", () => {
  it("marks the words that differ and nothing else", () => expect(told("So 4 + 8 = 12.", "So 4 + 8 = 14.")).toBe("So 4 + 8 = [-12-]{+14+}."));
  it("finds what was put in and what was left out", () => expect(told("a b d e", "a b c d")).toBe("a b {+c +}d[- e-]"));
  it("keeps line ends and both texts whole", () => {
    const [a, b] = ["one\ntwo\n\nthree", "one\n2\nthree!"];
    const pieces = wordDiff(a, b);
    expect(pieces.filter((piece) => piece.kind !== "come").map((piece) => piece.text).join("")).toBe(a);
    expect(pieces.filter((piece) => piece.kind !== "gone").map((piece) => piece.text).join("")).toBe(b);
  });
  it("reads any script as words", () => expect(told("السلام عليكم 😀", "السلام لكم 😀")).toBe("السلام [-عليكم-]{+لكم+} 😀"));
  it("gives empty texts their due", () => {
    expect(wordDiff("", "")).toEqual([]);
    expect(told("", "x")).toBe("{+x+}");
  });
  it("says how alike the two are", () => {
    expect(likeness(wordDiff("a b c d", "a b c d"))).toBe(1);
    expect(likeness(wordDiff("a b", "c d"))).toBe(0);
    expect(likeness(wordDiff("a b c d", "a b c e"))).toBe(0.75);
  });
  it("stands long answers", () => {
    const long = Array.from({ length: 6000 }, (_, index) => `w${index % 97}`).join(" ");
    const began = performance.now();
    expect(wordDiff(long, `${long.slice(0, 3000)}x${long.slice(3000)}`).length).toBeGreaterThan(1);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
