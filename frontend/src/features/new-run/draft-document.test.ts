import { expect, it } from "vitest";
import { placeOfField } from "@/ui/document-place";
import { readDraft, writeAt, writeDraft } from "./draft-document";

const TEXT = `# our best so far
method: grpo
models:
  policy: mdl_1
config:
  learning_rate: 1e-5 # halved
  beta: 0.05
`;

it("reads a draft and fills what is not written", () => {
  const { draft, faults } = readDraft(TEXT);
  expect(faults).toEqual([]);
  expect(draft).toMatchObject({ method: "grpo", models: { policy: "mdl_1" }, config: { learning_rate: 1e-5, beta: 0.05 }, seed: 0, reward: null });
});

it("changes one value and keeps comments and order", () => {
  const changed = writeAt(TEXT, ["config", "beta"], 0.1);
  expect(changed).toBe(TEXT.replace("0.05", "0.1"));
  expect(writeAt(changed, ["config", "learning_rate"], 5e-6)).toContain("# our best so far");
});

it("adds what was not written and removes what is taken back", () => {
  const added = writeAt("method: sft\n", ["limits", "max_steps"], 20);
  expect(readDraft(added).draft.limits).toEqual({ max_steps: 20 });
  expect(readDraft(writeAt(TEXT, ["config", "beta"], undefined)).draft.config).toEqual({ learning_rate: 1e-5 });
  expect(writeAt("", ["method"], "sft")).toBe("method: sft\n");
});

it("writes small numbers with an exponent and new keys in their place", () => {
  expect(writeAt("config: {}\n", ["config"], { learning_rate: 0.00005 })).toBe("config:\n  learning_rate: 5e-5\n");
  expect(writeAt("# mine\nconfig:\n  beta: 1\n", ["method"], "grpo")).toBe("method: grpo\n# mine\nconfig:\n  beta: 1\n");
});

it("names the line of a slip", () => {
  expect(readDraft("method: grpo\nlearning_rate: 1\n").faults).toMatchObject([{ line: 2, field: "learning_rate" }]);
  const broken = readDraft("method: grpo\nconfig: {a: 1\n");
  expect(broken.readable).toBe(false);
  expect(broken.faults[0]?.line).toBeGreaterThanOrEqual(2);
  expect(readDraft("config: 3\n").faults[0]?.message).toContain("keys and values");
});

it("finds a field in the text, or its parent", () => {
  expect(placeOfField(TEXT, "config.beta").line).toBe(7);
  expect(placeOfField(TEXT, "config.gamma").line).toBe(6);
  expect(placeOfField(TEXT, "reward").line).toBe(1);
});

it("writes a draft without its empty parts and reads it back", () => {
  const text = writeDraft({ method: "sft", config: { max_steps: 5 }, tags: [], notes: "", seed: 0, reward: null, resources: { gpus: 0, precision: "float32" } });
  expect(text).toBe("method: sft\nconfig:\n  max_steps: 5\n");
  expect(readDraft(text).draft.config).toEqual({ max_steps: 5 });
});
