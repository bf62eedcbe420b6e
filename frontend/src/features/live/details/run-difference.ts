import { stringify } from "yaml";
import type { Run } from "@/api/shapes";
import { differences } from "./flat-config";

/** One thing in which two runs differ. */
export interface Difference {
  key: string;
  mine: unknown;
  theirs: unknown;
  /** Which part of a draft holds it, to be taken over into a clone; null for what nobody sets, such as versions. */
  part: string | null;
}

interface Spec {
  method?: string;
  seed?: number;
  config?: Record<string, unknown>;
  limits?: Record<string, unknown>;
  resources?: Record<string, unknown>;
  models?: Record<string, { name?: string; path?: string }>;
  datasets?: Record<string, { name?: string; split?: string; limit?: number | null }>;
  reward?: { terms?: { name: string; kind: string; weight: number; params?: Record<string, unknown> }[]; aggregate?: string; on_nan?: string } | null;
  provenance?: { commit?: string; libraries?: Record<string, string> };
}

/** What two runs were told and ran with, and do not share: settings first, then model and data, then versions. */
export function runDifferences(mine: Run, theirs: Run): Difference[] {
  return differences(told(mine.spec as Spec), told(theirs.spec as Spec))
    .map((one) => ({ ...one, part: partOf(one.key) }))
    .sort((a, b) => rank(a) - rank(b) || a.key.localeCompare(b.key));
}

/** The other run's values as a piece of YAML, nested as a draft has them. */
export function asYaml(rows: Difference[]): string {
  const document: Record<string, unknown> = {};
  for (const row of rows) if (row.theirs !== undefined) place(document, row.key.split("."), row.theirs);
  return stringify(document);
}

function told(spec: Spec): Record<string, unknown> {
  const { method, seed, config, limits, resources, reward, provenance } = spec;
  const terms = Object.fromEntries((reward?.terms ?? []).map(({ name, ...term }) => [name, term]));
  return {
    method, seed, config, limits, resources,
    models: mapValues(spec.models, (model) => model.name || model.path || undefined),
    datasets: mapValues(spec.datasets, ({ name, split, limit }) => [name, split, limit ? `${limit} rows` : ""].filter(Boolean).join(", ")),
    reward: reward ? { ...terms, aggregate: reward.aggregate, on_nan: reward.on_nan } : undefined,
    commit: provenance?.commit, libraries: provenance?.libraries,
  };
}

/** A model, a data set and the reward are taken over whole; a setting by itself. */
function partOf(key: string): string | null {
  const [head, second] = key.split(".");
  if (head === "reward") return "reward";
  if (head === "models" || head === "datasets") return `${head}.${second}`;
  return head === "config" || head === "limits" || head === "resources" || head === "seed" ? key : null;
}

function rank({ key, part }: Difference): number {
  if (key === "method") return 0;
  return part === null ? 3 : key.startsWith("config.") ? 1 : 2;
}

function mapValues<A, B>(values: Record<string, A> | undefined, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values ?? {}).map(([key, value]) => [key, change(value)]));
}

function place(document: Record<string, unknown>, [head = "", ...rest]: string[], value: unknown): void {
  if (rest.length === 0) document[head] = value;
  else place((document[head] ??= {}) as Record<string, unknown>, rest, value);
}

