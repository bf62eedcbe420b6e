import { describe, expect, it } from "vitest";
import { Series } from "@/charts/series";
import { trend, verdict } from "./verdict";

function curve(values: (number | null)[]): Series {
  const step = values.map((_, index) => index);
  return new Series({ step, time: step, tokens: step, value: values, total: values.length, exact: true });
}

const wobble = [0, 1, 0, -1, 1, 0, -1, 0, 1, -1, 0, 1, -1, 0, 1, 0];

describe("a trend", () => {
  it("is rising when the newer half climbs clear of its noise", () => expect(trend(wobble.map((noise, i) => i + noise * 0.2))).toBe("rising"));
  it("is flat when the slope drowns in noise", () => expect(trend(wobble)).toBe("flat"));
  it("forgets the older half", () => expect(trend([...wobble.map((_, i) => i), ...wobble.map((noise) => 16 + noise)])).toBe("flat"));
  it("needs eight points", () => expect(trend([1, 2, 3])).toBe("unknown"));
});

describe("the verdict", () => {
  const rising = curve(Array.from({ length: 12 }, (_, i) => i / 10));

  it("is healthy while the reward rises", () => expect(verdict({ reward: rising, kl: curve([1.8]) }, 10)).toEqual({ tone: "ok", text: "Healthy: reward rising, KL 1.8 of 10." }));
  it("judges supervised runs by a falling loss", () => expect(verdict({ loss: curve(Array.from({ length: 12 }, (_, i) => 5 - i / 10)) }, null).text).toBe("Healthy: loss falling."));
  it("warns when the KL nears its limit, whatever the reward does", () => expect(verdict({ reward: rising, kl: curve([9]) }, 10).tone).toBe("warn"));
  it("warns of a value that is not a number", () => expect(verdict({ reward: curve([1, null]) }, null).text).toBe("Watch: reward is not a number."));
  it("of an ended run tells where it ended", () => expect(verdict({ reward: curve([1, 1]) }, null, true).text).toBe("Ended at reward 1."));
  it("of an ended run says no trend: nothing rises any more", () => expect(verdict({ reward: rising }, null, true).text).toBe("Ended at reward 1.1."));
  it("says nothing while no point is read", () => expect(verdict({}, null).text).toBe(""));
  it("says nothing too early", () => expect(verdict({ reward: curve([0.5]) }, null).text).toBe("Too early to say: reward 0.5."));
});
