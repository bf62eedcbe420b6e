/** Checks a config against its method's schema by interpreting it: the page's security policy forbids compiled validators. */

import { type OutputUnit, type Schema, Validator } from "@cfworker/json-schema";
import type { FieldError } from "@/api/problem";
import type { JsonSchema } from "@/api/shapes";

/** What is wrong, one sentence for each field. */
export function checkConfig(schema: JsonSchema, config: Record<string, unknown>): FieldError[] {
  const result = new Validator(schema as Schema, "2020-12", false).validate(config);
  if (result.valid) return [];
  const seen = new Set<string>();
  return result.errors.filter(isLeaf).map((unit) => told(unit, schema)).filter((error) => !seen.has(error.field) && seen.add(error.field));
}

function isLeaf(unit: OutputUnit): boolean {
  return !["properties", "$ref", "anyOf", "oneOf", "allOf", "items", "if", "then", "else", "false"].includes(unit.keyword);
}

function told(unit: OutputUnit, schema: JsonSchema): FieldError {
  const path = unit.instanceLocation.replace(/^#\/?/, "").split("/").filter(Boolean);
  const unknown = unit.keyword === "additionalProperties" ? unit.error.match(/"([^"]+)"/)?.[1] : undefined;
  const field = [...path, ...(unknown ? [unknown] : [])].join(".");
  return { field, message: sentence(unit, schema.properties?.[path[0] ?? ""], unknown) };
}

function sentence(unit: OutputUnit, field: JsonSchema | undefined, unknown: string | undefined): string {
  const title = field?.title ?? "This";
  switch (unit.keyword) {
    case "additionalProperties":
      return `\`${unknown ?? "?"}\` is not a setting of this method.`;
    case "minimum":
      return `${title} is at least ${field?.minimum}.`;
    case "maximum":
      return `${title} is at most ${field?.maximum}.`;
    case "exclusiveMinimum":
      return `${title} is above ${field?.exclusiveMinimum}.`;
    case "exclusiveMaximum":
      return `${title} is below ${field?.exclusiveMaximum}.`;
    case "enum":
      return `${title} is one of ${(field?.enum ?? []).map(String).join(", ")}.`;
    case "type":
      return `${title} takes ${field?.type === "integer" ? "a whole number" : field?.type === "number" ? "a number" : `a ${String(field?.type ?? "different")} value`}.`;
    default:
      return unit.error;
  }
}
