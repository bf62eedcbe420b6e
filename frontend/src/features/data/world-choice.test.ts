import { expect, it } from "vitest";
import type { WorldCard } from "@/api/shapes";
import { fittingWorlds, suggestedName, withKnob, withWorld } from "./world-choice";

const part = (name: string, kind: string) => ({ name, kind, title: name, summary: "", splits: { train: `${name}.jsonl` } });
const LOCK = { name: "lock", title: "Lock", parts: [part("demonstrations", "demonstration"), part("pairs", "preference")] } as unknown as WorldCard;
const CHAIN = { name: "chain", title: "Chain", parts: [part("steps", "stepwise"), part("pairs", "preference")] } as unknown as WorldCard;

it("offers the worlds and parts that a method can read", () => {
  expect(fittingWorlds([LOCK, CHAIN], ["stepwise"]).map((world) => [world.name, world.parts.map((one) => one.name)])).toEqual([["chain", ["steps"]]]);
  expect(fittingWorlds([LOCK, CHAIN], undefined)).toEqual([LOCK, CHAIN]);
});

it("keeps the part over a change of world, and no knob", () => {
  expect(withWorld({ world: "lock", part: "pairs", knobs: { slots: 2 } }, CHAIN)).toEqual({ world: "chain", part: "pairs", knobs: {} });
  expect(withWorld({ world: "lock", part: "demonstrations", knobs: {} }, CHAIN)).toEqual({ world: "chain", part: "steps", knobs: {} });
  expect(withWorld(null, LOCK).part).toBe("demonstrations");
});

it("turns a knob and turns it back", () => {
  const turned = withKnob({ world: "lock", part: "pairs", knobs: {} }, ["slots"], 3);
  expect(turned.knobs).toEqual({ slots: 3 });
  expect(withKnob(turned, ["slots"], undefined).knobs).toEqual({});
});

it("suggests a name with the seed where there is one", () => {
  expect(suggestedName(LOCK, { world: "lock", part: "pairs", knobs: {} })).toBe("Lock pairs");
  expect(suggestedName(LOCK, { world: "lock", part: "pairs", knobs: { seed: 3 } })).toBe("Lock pairs, seed 3");
});
