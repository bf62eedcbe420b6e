import { expect, it } from "vitest";
import type { JsonSchema } from "@/api/shapes";
import { checkConfig } from "./config-check";

const schema: JsonSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    learning_rate: { type: "number", title: "Learning rate", minimum: 0, maximum: 1 },
    steps: { type: "integer", title: "Steps", minimum: 1 },
    schedule: { enum: ["cosine", "linear"], title: "Schedule" },
  },
};

it("passes what fits", () => {
  expect(checkConfig(schema, { learning_rate: 1e-6, steps: 3, schedule: "linear" })).toEqual([]);
});

it("says one sentence for each field that does not fit", () => {
  expect(checkConfig(schema, { learning_rate: 2, steps: 1.5, schedule: "moon" })).toEqual([
    { field: "learning_rate", message: "Learning rate is at most 1." },
    { field: "steps", message: "Steps takes a whole number." },
    { field: "schedule", message: "Schedule is one of cosine, linear." },
  ]);
});

it("names a setting the method does not have", () => {
  expect(checkConfig(schema, { lerning_rate: 1 })).toEqual([{ field: "lerning_rate", message: "`lerning_rate` is not a setting of this method." }]);
});
