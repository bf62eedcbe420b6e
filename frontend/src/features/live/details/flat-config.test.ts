import { describe, expect, it } from "vitest";
import type { MethodCard } from "@/api/shapes";
import { configLines, differences, flatten } from "./flat-config";

describe("a config", () => {
  it("is flattened to dotted keys, lists whole", () => {
    expect(flatten({ lora: { r: 8, targets: ["q", "v"] }, seed: 1 })).toEqual([["lora.r", 8], ["lora.targets", ["q", "v"]], ["seed", 1]]);
  });

  it("shows first what differs from the method's defaults", () => {
    const method = { config_schema: { properties: { beta: { default: 0.04 }, lr: { default: 1e-6 } } } } as unknown as MethodCard;
    expect(configLines({ beta: 0.04, lr: 5e-6 }, method).map((line) => [line.key, line.changed])).toEqual([["lr", true], ["beta", false]]);
  });

  it("knows which value leaves the choice to the engine", () => {
    const auto = { value: 0, word: "auto", said: "Chosen by the model's size." };
    const method = { config_schema: { properties: { lr: { default: 0, "x-auto": auto }, beta: { default: 0 } } } } as unknown as MethodCard;
    expect(configLines({ lr: 0, beta: 0 }, method).map((line) => line.auto)).toEqual([auto, null]);
  });

  it("is compared with another key by key", () => {
    expect(differences({ a: 1, b: [1] }, { a: 2, b: [1], c: true })).toEqual([{ key: "a", mine: 1, theirs: 2 }, { key: "c", mine: undefined, theirs: true }]);
  });
});
