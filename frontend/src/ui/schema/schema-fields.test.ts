import { expect, it } from "vitest";
import type { Auto, JsonSchema } from "@/api/shapes";
import { boundsText, choiceText, fieldsOf, inUse, readTyped, sectioned, shownAs, writeTyped } from "./schema-fields";

const schema: JsonSchema = {
  $defs: { Kind: { enum: ["k1", "k3"], type: "string" } },
  properties: {
    beta: { type: "number", title: "Beta", default: 0.05, minimum: 0, maximum: 1, "x-group": "basic", "x-order": 20 },
    learning_rate: { type: "number", default: 1e-6, exclusiveMinimum: 0, "x-group": "basic", "x-order": 10, "x-live": true },
    estimator: { $ref: "#/$defs/Kind", default: "k3", title: "Estimator", "x-order": 30 },
    seed: { anyOf: [{ type: "integer", minimum: 0 }, { type: "null" }], default: null, title: "Seed", "x-order": 40 },
    lora: { type: "object", properties: { rank: { type: "integer", default: 8, "x-order": 50 } } },
  },
};

it("draws fields in their order, references, nulls and nested objects resolved", () => {
  expect(fieldsOf(schema).map((field) => [field.key, field.kind, field.nullable])).toEqual([
    ["learning_rate", "number", false],
    ["beta", "number", false],
    ["estimator", "choice", false],
    ["seed", "integer", true],
    ["lora.rank", "integer", false],
  ]);
  expect(fieldsOf(schema)[2]).toMatchObject({ title: "Estimator", choices: ["k1", "k3"], fallback: "k3" });
  expect(fieldsOf(schema)[3]).toMatchObject({ least: 0, fallback: null });
});

it("keeps at most eight fields basic", () => {
  const many = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`f${n}`, { type: "integer", "x-group": "basic" } as JsonSchema]));
  expect(fieldsOf({ properties: many }).filter((field) => field.basic)).toHaveLength(8);
});

it("puts fields under their sections and finds them by words of title, name, help and section", () => {
  const fields = fieldsOf({ properties: {
    top_p: { type: "number", title: "Top p", "x-order": 122, "x-section": "Writing answers" },
    epsilon: { type: "number", title: "Clip range ε", description: "How far the ratio may fall.", "x-order": 113, "x-section": "Loss" },
    delta: { type: "number", title: "Ratio cap δ", "x-order": 115, "x-section": "Loss" },
  } });
  const found = (words: string) => sectioned(fields, words).map((one) => [one.title, ...one.fields.map((field) => field.key)]);
  expect(found("")).toEqual([["Loss", "epsilon", "delta"], ["Writing answers", "top_p"]]);
  expect(found("RATIO ")).toEqual([["Loss", "epsilon", "delta"]]);
  expect(found("answers top")).toEqual([["Writing answers", "top_p"]]);
  expect(found("nothing")).toEqual([]);
});

it("says bounds in words", () => {
  expect(boundsText({ least: 0, most: 1 })).toBe("0 to 1");
  expect(boundsText({ above: 0 })).toBe("above 0");
  expect(boundsText({ least: 1, below: 8 })).toBe("at least 1, below 8");
  expect(boundsText({})).toBe("");
});

it("shows a field only with the values of others that it goes with", () => {
  const drawn = fieldsOf({ properties: {
    use_peft: { type: "boolean", default: false }, adapter: { enum: ["lora", "prefix"], default: "lora", "x-when": { use_peft: [true] } },
    lora_r: { type: "integer", default: 8, "x-when": { use_peft: [true], adapter: ["lora"] } },
  } });
  const keys = (values: Record<string, unknown>) => inUse(drawn, values).map((field) => field.key);
  expect(keys({})).toEqual(["use_peft"]);
  expect(keys({ use_peft: true })).toEqual(["use_peft", "adapter", "lora_r"]);
  expect(keys({ use_peft: true, adapter: "prefix" })).toEqual(["use_peft", "adapter"]);
});

it("offers three positions for a switch that may be left to the engine", () => {
  const auto: Auto = { value: null, word: "where possible", said: "Merged where the kind allows it." };
  const [merge] = fieldsOf({ properties: { merge: { anyOf: [{ type: "boolean" }, { type: "null" }], default: null, "x-auto": auto } } });
  expect(merge).toMatchObject({ kind: "choice", choices: [true, false], nullable: true, auto });
  expect([choiceText(true), choiceText(false), choiceText("p_tuning_v2")]).toEqual(["yes", "no", "p tuning v2"]);
});

it("reads what people type and writes it back", () => {
  expect(readTyped({ kind: "number", nullable: false }, "1e-6")).toBe(1e-6);
  expect(readTyped({ kind: "number", nullable: false }, "fast")).toBeUndefined();
  expect(readTyped({ kind: "integer", nullable: true }, "")).toBeNull();
  expect(readTyped({ kind: "list", nullable: false }, "a, b")).toEqual(["a", "b"]);
  expect(writeTyped(0.000001)).toBe("1e-6");
  expect(writeTyped(["a", "b"])).toBe("a, b");
  expect(writeTyped(null)).toBe("");
});

it("shows a value that leaves the choice to the engine as auto", () => {
  const auto: Auto = { value: 0, word: "auto", said: "Chosen by the model's size." };
  const steps: Auto = { value: -1, word: "from the epochs", said: "Taken from the epochs." };
  const drawn = fieldsOf({ properties: { rate: { type: "number", "x-auto": auto }, top_k: { type: "integer", description: "0 takes all." } } });
  expect(drawn.map((field) => field.auto)).toEqual([auto, null]);
  expect(shownAs({ auto: steps }, -1)).toBe("from the epochs");
  expect(readTyped({ kind: "integer", nullable: false, auto: steps }, "from the epochs")).toBe(-1);
  expect([shownAs({ auto }, 0), shownAs({ auto }, 5e-5), shownAs({ auto: null }, 0)]).toEqual(["auto", "5e-5", "0"]);
  expect(readTyped({ kind: "number", nullable: false, auto }, "Auto")).toBe(0);
  expect(readTyped({ kind: "number", nullable: false, auto: null }, "auto")).toBeUndefined();
});
