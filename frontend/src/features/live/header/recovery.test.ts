import { describe, expect, it } from "vitest";
import type { HistoryEntry } from "@/api/run";
import { recoveryText } from "./recovery";

const entry = (from: string, to: string, attempt: number, reason: string): HistoryEntry => ({ time: "", from, to, by: "", reason, attempt });
const started = [entry("draft", "queued", 0, "Launched."), entry("queued", "starting", 1, ""), entry("starting", "running", 1, "")];
const died = entry("running", "queued", 1, "The engine was ended from outside by SIGKILL. Last it printed: step 6\nTry 9 of 9 Try 2 of 5 in 1 s.");
const tries = (...from: string[]) => ({ attempt: from.length, attempts: from.map((resumed_from, index) => ({ number: index + 1, resumed_from })) });

describe("what a run says after a crash", () => {
  it("is nothing while the first try goes", () => expect(recoveryText(tries(""), started, [])).toBe(""));
  it("names the cause and where the next try will start", () =>
    expect(recoveryText(tries(""), [...started, died], [{ id: "c", step: 4 }])).toBe("The engine was ended from outside by SIGKILL. Starts again from step 4, restart 2 of 5."));
  it("names where the next try did start", () => {
    const history = [...started, entry("running", "queued", 1, "The engine left without a word (exit 1). Try 2 of 5")];
    expect(recoveryText(tries("", ""), history, [{ id: "c", step: 4 }])).toBe("The engine left without a word (exit 1). Started again from the beginning, restart 2 of 5.");
    expect(recoveryText(tries("", "c"), history, [{ id: "c", step: 4 }])).toContain("Started again from step 4");
  });
  it("keeps the words of a worker that left in good order", () => expect(recoveryText(tries(""), [...started, entry("running", "queued", 1, "Its worker left; it goes on from its newest checkpoint.")], [])).toBe("Its worker left; it goes on from its newest checkpoint."));
  it("does not speak of a failure that a person took up again", () => expect(recoveryText(tries("", ""), [...started, entry("failed", "queued", 1, "Tried again.")], [])).toBe(""));
});
