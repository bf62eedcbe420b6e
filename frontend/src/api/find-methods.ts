/** The catalogue as a reader looks through it: found by words and by the data one has, in families. */

import type { MethodCard, RecordKind } from "@/api/shapes";

export interface Wanted { q?: string; family?: string; data?: RecordKind }
export interface Family { name: string; methods: MethodCard[] }

/** The cards in which every word occurs (name, summary, paper, setting) and that fit the family and the data. */
export function findMethods(methods: MethodCard[], { q = "", family, data }: Wanted): MethodCard[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  return methods.filter((card) =>
    (!family || card.family === family) &&
    (!data || card.data.some((need) => need.required && need.kinds.includes(data))) &&
    words.every((word) => textOf(card).includes(word)));
}

/** The order in which people meet them; families of other names come after, and what trains nothing last. */
const ORDER = ["Supervised tuning", "Distillation", "Reward modelling", "Preference optimisation", "Policy optimisation"];

/** By family, each family's methods by title. */
export function byFamily(methods: MethodCard[]): Family[] {
  const rank = (name: string): number => {
    if (!methods.some((card) => card.family === name && card.kind === "train")) return ORDER.length + 1;
    return ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length;
  };
  const names = [...new Set(methods.map((card) => card.family))].toSorted((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  return names.map((name) => ({ name, methods: methods.filter((card) => card.family === name).toSorted((a, b) => a.title.localeCompare(b.title)) }));
}

function textOf(card: MethodCard): string {
  const papers = card.papers.map((paper) => `${paper.title} ${paper.authors} ${paper.year} ${paper.link}`).join(" ");
  const presets = card.presets.map((preset) => `${preset.name} ${preset.title}`).join(" ");
  return `${card.slug} ${card.title} ${card.family} ${card.summary} ${papers} ${presets} ${Object.keys(card.config_schema.properties ?? {}).join(" ")}`.toLowerCase();
}
