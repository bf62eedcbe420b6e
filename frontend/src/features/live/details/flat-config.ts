import type { Auto, JsonSchema, MethodCard } from "@/api/shapes";

/** One line of a run's config. */
export interface ConfigLine {
  key: string;
  value: unknown;
  standard: unknown;
  changed: boolean;
  help: string;
  /** The value that means "the engine chooses", where there is one. */
  auto: Auto | null;
}

/** A nested document as dotted keys; lists stay whole. */
export function flatten(document: unknown, prefix = ""): [string, unknown][] {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return [[prefix, document]];
  const entries = Object.entries(document);
  if (entries.length === 0 && prefix !== "") return [[prefix, {}]];
  return entries.flatMap(([key, value]) => flatten(value, prefix === "" ? key : `${prefix}.${key}`));
}

/** The config beside the method's defaults; what differs first. */
export function configLines(config: Record<string, unknown>, method: MethodCard | undefined): ConfigLine[] {
  const lines = flatten(config).map(([key, value]): ConfigLine => {
    const schema = schemaAt(method?.config_schema, key);
    const standard = schema?.default;
    return { key, value, standard, changed: standard !== undefined && show(standard) !== show(value), help: schema?.description ?? "", auto: schema?.["x-auto"] ?? null };
  });
  return [...lines.filter((line) => line.changed), ...lines.filter((line) => !line.changed)];
}

/** Keys in which two configs differ. */
export function differences(mine: Record<string, unknown>, theirs: Record<string, unknown>): { key: string; mine: unknown; theirs: unknown }[] {
  const [a, b] = [new Map(flatten(mine)), new Map(flatten(theirs))];
  return [...new Set([...a.keys(), ...b.keys()])].sort().flatMap((key) => (show(a.get(key)) === show(b.get(key)) ? [] : [{ key, mine: a.get(key), theirs: b.get(key) }]));
}

export function show(value: unknown): string {
  if (value === undefined) return "–";
  if (typeof value === "number" && value !== 0 && Math.abs(value) < 1e-3) return value.toExponential();
  return typeof value === "string" ? value : JSON.stringify(value);
}

function schemaAt(schema: JsonSchema | undefined, path: string): JsonSchema | undefined {
  return path.split(".").reduce<JsonSchema | undefined>((at, key) => {
    const inner = at?.properties?.[key];
    const name = inner?.$ref?.split("/").at(-1);
    return name ? { ...schema?.$defs?.[name], ...inner } : inner;
  }, schema);
}
