/** A reward as YAML or JSON and back; keys that say nothing are left out, so that what stands there means something. */

import { stringify } from "yaml";
import type { RewardPipeline, RewardTerm } from "@/api/shapes";
import { readText, type TextFault } from "@/ui/document-place";

export interface ReadPipeline { pipeline: RewardPipeline | null; fault: TextFault | null }

export const EMPTY_REWARD: RewardPipeline = { terms: [], aggregate: "weighted_sum", on_nan: "refuse" };

/** The document without what is absent or default, models and version by id only. */
export function lean(pipeline: RewardPipeline): RewardPipeline {
  return { terms: pipeline.terms.map(leanTerm), aggregate: pipeline.aggregate, on_nan: pipeline.on_nan };
}

function leanTerm(term: RewardTerm): RewardTerm {
  const { name, kind, weight, params, model_id: model, transforms, gate } = term;
  return { name, kind, weight, params, ...(model ? { model_id: model } : {}), ...(transforms?.length ? { transforms } : {}), ...(gate ? { gate } : {}) };
}

export function samePipeline(one: RewardPipeline, other: RewardPipeline): boolean {
  return JSON.stringify(lean(one)) === JSON.stringify(lean(other));
}

export function writePipeline(pipeline: RewardPipeline, as: "yaml" | "json"): string {
  return as === "json" ? `${JSON.stringify(lean(pipeline), null, 2)}\n` : stringify(lean(pipeline), { lineWidth: 0 });
}

/** Reads either form, since JSON is YAML; what is missing gets its default. */
export function readPipeline(text: string): ReadPipeline {
  const { value: raw, fault } = readText(text);
  if (fault) return { pipeline: null, fault };
  const terms = typeof raw === "object" && raw !== null ? (raw as { terms?: unknown }).terms : undefined;
  if (!Array.isArray(terms) || terms.some((term) => typeof term !== "object" || term === null || typeof (term as RewardTerm).kind !== "string")) {
    return { pipeline: null, fault: { line: 1, column: 1, message: "Write a list of `terms`, each with a `name` and a `kind`." } };
  }
  const given = raw as Partial<RewardPipeline>;
  const whole = terms.map((term: Partial<RewardTerm>) => ({ ...term, name: String(term.name ?? term.kind), weight: term.weight ?? 1, params: term.params ?? {} }) as RewardTerm);
  return { pipeline: { ...given, terms: whole, aggregate: given.aggregate ?? "weighted_sum", on_nan: given.on_nan ?? "refuse" }, fault: null };
}
