import { describe, expect, it } from "vitest";
import type { LogLine } from "@/api/run";
import type { Kept } from "../events";
import { filterLines, linesOf, mergeLines, pieces } from "./log-lines";

function line(cursor: number, level: LogLine["level"], message: string): LogLine {
  return { cursor, time: 0, level, message };
}

describe("log lines", () => {
  const lines = [line(1, "debug", "a"), line(2, "warning", "loss (nan)"), line(3, "error", "b")];

  it("are kept from a level upwards", () => expect(filterLines(lines, "warning", "").map((one) => one.cursor)).toEqual([2, 3]));
  it("match a regular expression", () => expect(filterLines(lines, "debug", "^(a|b)$").map((one) => one.cursor)).toEqual([1, 3]));
  it("match as plain text what is no regular expression", () => expect(filterLines(lines, "debug", "(nan").map((one) => one.cursor)).toEqual([2]));
  it("are merged each once", () => expect(mergeLines(lines.slice(0, 2), lines.slice(1)).map((one) => one.cursor)).toEqual([1, 2, 3]));
  it("mark what matches", () => expect(pieces("step 12 done", "\\d+")).toEqual([{ text: "step ", hit: false }, { text: "12", hit: true }, { text: " done", hit: false }]));

  it("include the run's failure with its remedy", () => {
    const failed = { cursor: 4, attempt: 1, event: { type: "failed", time: 1, code: "oom", message: "Out of memory.", remedy: "Halve the batch.", step: 3 } } as Kept;
    expect(linesOf([failed])).toEqual([{ cursor: 4, time: 1, level: "error", message: "Out of memory. Halve the batch.", step: 3 }]);
  });
});
