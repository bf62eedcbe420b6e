/** Transforms and gates of a term in words and as new, with sensible numbers. */

import type { RewardGate, RewardTerm, RewardTransform } from "@/api/shapes";

export type TransformKind = RewardTransform["kind"];
interface Knob { key: string; label: string; optional?: boolean }

export const TRANSFORMS: Record<TransformKind, { title: string; help: string; fresh: RewardTransform; knobs: Knob[] }> = {
  clip: { title: "Clip", help: "Holds the value between two bounds; an empty bound holds nothing.", fresh: { kind: "clip", low: 0, high: 1 }, knobs: [{ key: "low", label: "From", optional: true }, { key: "high", label: "To", optional: true }] },
  affine: { title: "Scale", help: "factor · value + offset.", fresh: { kind: "affine", factor: 1, offset: 0 }, knobs: [{ key: "factor", label: "Factor" }, { key: "offset", label: "Offset" }] },
  threshold: { title: "Threshold", help: "1 from this value on, else 0.", fresh: { kind: "threshold", at: 0.5 }, knobs: [{ key: "at", label: "At" }] },
  sigmoid: { title: "Sigmoid", help: "σ(value − centre): any score to 0 … 1.", fresh: { kind: "sigmoid", centre: 0 }, knobs: [{ key: "centre", label: "Centre" }] },
  log_sigmoid: { title: "Log-sigmoid", help: "log σ(value − centre): little gained far above the centre, all lost below.", fresh: { kind: "log_sigmoid", centre: 0 }, knobs: [{ key: "centre", label: "Centre" }] },
  whiten: { title: "Whiten", help: "Mean 0 and deviation 1, over the step's answers or over each prompt's.", fresh: { kind: "whiten", over: "batch" }, knobs: [] },
};

/** "clip 0 … 1", "whiten by group": a transform on one line. */
export function transformText(transform: RewardTransform): string {
  switch (transform.kind) {
    case "clip":
      return `clip ${transform.low ?? "−∞"} … ${transform.high ?? "∞"}`;
    case "affine":
      return `${transform.factor}·r${transform.offset === 0 ? "" : transform.offset > 0 ? ` + ${transform.offset}` : ` − ${-transform.offset}`}`;
    case "threshold":
      return `1 from ${transform.at}`;
    case "sigmoid":
      return transform.centre === 0 ? "σ(r)" : `σ(r − ${transform.centre})`;
    case "log_sigmoid":
      return transform.centre === 0 ? "log σ(r)" : `log σ(r − ${transform.centre})`;
    case "whiten":
      return `whiten by ${transform.over}`;
  }
}

/** "gate: at least 0.5, else 0". */
export function gateText(gate: RewardGate): string {
  const bounds = [gate.at_least === null ? "" : `at least ${gate.at_least}`, gate.at_most === null ? "" : `at most ${gate.at_most}`].filter(Boolean).join(", ");
  return `gate: ${bounds || "always open"}, else ${gate.otherwise}`;
}

/** What happens to a term's value, from left to right. */
export function termText(term: RewardTerm): string {
  const steps = (term.transforms ?? []).map(transformText);
  return [...steps, term.gate ? gateText(term.gate) : ""].filter(Boolean).join(" → ");
}

/** A list with one entry moved up or down; unchanged at its ends. */
export function moved<T>(list: T[], index: number, by: -1 | 1): T[] {
  const to = index + by;
  if (to < 0 || to >= list.length) return list;
  const next = [...list];
  [next[index], next[to]] = [next[to] as T, next[index] as T];
  return next;
}

/** A free name for a new term: the kind, then kind_2, kind_3 … */
export function termName(kind: string, taken: string[]): string {
  const base = kind.replace(/[^a-z0-9_]/g, "_").slice(0, 36);
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}_${n}`;
    if (!taken.includes(name)) return name;
  }
}
