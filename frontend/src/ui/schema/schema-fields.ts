/** A method's JSON Schema, flattened into the fields a form draws. */

import type { Auto, JsonSchema } from "@/api/shapes";

export type FieldKind = "number" | "integer" | "boolean" | "choice" | "text" | "list" | "json";
export interface Field {
  key: string; path: string[]; title: string; help: string; unit: string; basic: boolean; section: string; order: number; kind: FieldKind; choices: unknown[];
  least?: number; most?: number; above?: number; below?: number; nullable: boolean; fallback: unknown; live: boolean;
  /** The value that leaves the choice to the engine, and by what it chooses; null when every value means itself. */
  auto: Auto | null;
  /** Other fields and those of their values with which this one means something; null when it always does. */
  when: Record<string, unknown[]> | null;
}

const BASIC_LIMIT = 8;

/** The fields in the form's order. At most eight are basic; nested objects become dotted fields. */
export function fieldsOf(schema: JsonSchema): Field[] {
  const fields = walk(schema, schema, []).sort((a, b) => a.order - b.order);
  let basics = 0;
  return fields.map((field) => ({ ...field, basic: field.basic && ++basics <= BASIC_LIMIT }));
}

function walk(schema: JsonSchema, root: JsonSchema, path: string[]): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, raw], index) => {
    const { schema: inner, nullable } = resolve(raw, root);
    const here = [...path, name];
    if (inner.properties && !nullable) return walk(inner, root, here);
    return [field(inner, raw, here, nullable, index)];
  });
}

/** Follows a reference and steps over `null`, keeping what the outer schema says. */
export function resolve(schema: JsonSchema, root: JsonSchema): { schema: JsonSchema; nullable: boolean } {
  if (schema.$ref) return resolve({ ...root.$defs?.[schema.$ref.split("/").at(-1) ?? ""], ...omitRef(schema) }, root);
  if (schema.allOf?.length === 1) return resolve({ ...schema.allOf[0], ...{ ...schema, allOf: undefined } }, root);
  const options = schema.anyOf ?? schema.oneOf;
  if (options?.some((one) => one.type === "null")) {
    const rest = options.filter((one) => one.type !== "null");
    const only = rest.length === 1 && rest[0] ? rest[0] : { anyOf: rest };
    return { schema: resolve({ ...only, ...{ ...schema, anyOf: undefined, oneOf: undefined } }, root).schema, nullable: true };
  }
  return { schema, nullable: false };
}

function omitRef(schema: JsonSchema): JsonSchema {
  return { ...schema, $ref: undefined };
}

function field(schema: JsonSchema, raw: JsonSchema, path: string[], nullable: boolean, index: number): Field {
  const says = { ...schema, ...raw };
  return {
    key: path.join("."), path, title: says.title ?? path.at(-1) ?? "", help: says.description ?? "", unit: says["x-unit"] ?? "",
    basic: says["x-group"] === "basic", section: says["x-section"] ?? "", order: says["x-order"] ?? 1000 + index, kind: kindOf(schema, nullable), choices: schema.enum ?? (schema.type === "boolean" ? [true, false] : []),
    least: schema.minimum, most: schema.maximum, above: schema.exclusiveMinimum, below: schema.exclusiveMaximum,
    nullable, fallback: says.default, live: says["x-live"] ?? false, auto: says["x-auto"] ?? null, when: says["x-when"] ?? null,
  };
}

/** A switch that may be left to the engine has three positions, which is a choice. */
function kindOf(schema: JsonSchema, nullable: boolean): FieldKind {
  if (schema.enum || (schema.type === "boolean" && nullable)) return "choice";
  if (schema.type === "integer" || schema.type === "number" || schema.type === "boolean") return schema.type;
  if (schema.type === "string") return "text";
  if (schema.type === "array" && (schema.items?.type === "string" || schema.items?.type === "number")) return "list";
  return "json";
}

/** The fields that mean something with these values; what is left out stands at its default. */
export function inUse(fields: Field[], values: Record<string, unknown>): Field[] {
  const known = new Map(fields.map((field) => [field.key, values[field.key] === undefined ? field.fallback : values[field.key]]));
  return fields.filter((field) => Object.entries(field.when ?? {}).every(([name, wanted]) => wanted.includes(known.get(name))));
}

/** Fields under their section's title, in order; those whose title, name or help has all of `words` in it. */
export function sectioned(fields: Field[], words: string): { title: string; fields: Field[] }[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const sections = new Map<string, Field[]>();
  for (const field of fields) {
    const said = `${field.title} ${field.key} ${field.help} ${field.section}`.toLowerCase();
    if (wanted.every((word) => said.includes(word))) sections.set(field.section, [...(sections.get(field.section) ?? []), field]);
  }
  return [...sections].map(([title, inside]) => ({ title, fields: inside }));
}

/** A choice as a person reads it. */
export function choiceText(value: unknown): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value).replaceAll("_", " ");
}

/** A field's value as the box shows it. */
export function shownAs(field: Pick<Field, "auto">, value: unknown): string {
  return field.auto && value === field.auto.value ? field.auto.word : writeTyped(value);
}

/** "0 to 1", "above 0", "at least 1", or nothing: the bounds in words. */
export function boundsText(field: Pick<Field, "least" | "most" | "above" | "below">): string {
  const low = field.least ?? field.above;
  const high = field.most ?? field.below;
  if (low !== undefined && high !== undefined && field.least !== undefined && field.most !== undefined) return `${low} to ${high}`;
  const parts = [
    field.least !== undefined ? `at least ${field.least}` : field.above !== undefined ? `above ${field.above}` : "",
    field.most !== undefined ? `at most ${field.most}` : field.below !== undefined ? `below ${field.below}` : "",
  ];
  return parts.filter(Boolean).join(", ");
}

/** What a person typed, as the field's value; undefined when it cannot be read. */
export function readTyped(field: Pick<Field, "kind" | "nullable"> & Partial<Pick<Field, "auto">>, typed: string): unknown {
  const text = typed.trim();
  if (field.auto && [field.auto.word, "auto"].includes(text.toLowerCase())) return field.auto.value;
  if (text === "") return field.nullable ? null : field.kind === "text" ? "" : undefined;
  if (field.kind === "text") return typed;
  if (field.kind === "list") return text.split(",").map((part) => part.trim()).filter(Boolean);
  if (field.kind === "json") return readJson(text);
  const value = Number(text.replaceAll(",", "").replaceAll("−", "-"));
  return Number.isFinite(value) ? value : undefined;
}

export function writeTyped(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) return value.join(", ");
  if (typeof value === "number") return Math.abs(value) > 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
