/** What the catalogue says of a curve. */
export interface MetricInfo {
  name: string;
  title: string;
  panel: string;
  unit: string;
  better: "up" | "down" | "none";
  help: string;
  /** The curve that counts what this one is a share of; empty for what is no share. */
  share_of?: string;
}

/** One chart of the grid: curves that share a scale. */
export interface Panel {
  key: string;
  title: string;
  section: string;
  metrics: string[];
  unit: string;
  better: MetricInfo["better"];
  help: string;
}

const SECTION_ORDER = ["reward", "evaluation", "kl", "policy", "critic", "loss", "answers", "completions", "optimizer", "progress", "other", "system"];

/**
 * Groups the metrics a run has: catalogue panels first, in the catalogue's order; terms of the reward
 * (`rewards/<term>/mean`) together; the others one chart each, sectioned by their prefix.
 */
export function groupPanels(names: string[], catalogue: MetricInfo[]): Panel[] {
  const infos = new Map(catalogue.map((info) => [info.name, info]));
  const panels = new Map<string, Panel>();
  for (const name of inCatalogueOrder(names, catalogue)) {
    if (isHidden(name, names, catalogue)) continue;
    const info = infos.get(name);
    const { key, title, unit } = place(name, info);
    const panel = panels.get(key) ?? makePanel(key, title, sectionOf(name, info), unit ?? info?.unit ?? "", info);
    panel.metrics.push(name);
    panels.set(key, panel);
  }
  return [...panels.values()].sort((a, b) => sectionRank(a.section) - sectionRank(b.section));
}

/** The charts that hold every word of `q`, the chosen ones first in their order. */
export function arranged(panels: Panel[], first: string[], q: string): Panel[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = panels.filter((panel) => words.every((word) => `${panel.title} ${panel.metrics.join(" ")}`.toLowerCase().includes(word)));
  const rank = (panel: Panel): number => (first.includes(panel.key) ? first.indexOf(panel.key) : first.length);
  return [...found].sort((a, b) => rank(a) - rank(b));
}

/** "rewards/exact_match/mean" → "exact match"; the last part that tells curves of a panel apart. */
export function curveLabel(name: string, catalogue: MetricInfo[] = []): string {
  const term = /^rewards\/(.+)\/mean$/.exec(name);
  if (term) return words(term[1] as string);
  const gpu = /^system\/gpu\.(\d+)\./.exec(name);
  if (gpu) return `GPU ${gpu[1]}`;
  const info = catalogue.find((candidate) => candidate.name === name);
  return info?.title ?? words(name.replace(/^(system|eval|completions|rewards|logps)\//, ""));
}

/** What a worker measures of the machine, by the names it gives: see workers/agent/system_metrics.py. */
const MACHINE: Record<string, { title: string; unit: string }> = {
  "cpu.util": { title: "CPU", unit: "%" },
  "memory.rss": { title: "Memory", unit: "bytes" },
  "gpu.util": { title: "GPU", unit: "%" },
  "gpu.memory": { title: "GPU memory", unit: "bytes" },
};

/** The title of a metric's own chart, for wherever else it is named. */
export function panelTitle(name: string, catalogue: MetricInfo[]): string {
  return place(name, catalogue.find((info) => info.name === name)).title;
}

function place(name: string, info: MetricInfo | undefined): { key: string; title: string; unit?: string } {
  if (/^rewards\/.+\/mean$/.test(name)) return { key: "rewards terms", title: "Reward by term" };
  if (/^system\/gpu\.\d+\./.test(name)) {
    const kind = name.replace(/^system\/gpu\.\d+\./, "");
    return { key: `system gpu ${kind}`, ...(MACHINE[`gpu.${kind}`] ?? { title: `GPU ${words(kind)}` }) };
  }
  const machine = MACHINE[name.replace(/^system\//, "")];
  if (name.startsWith("system/") && machine) return { key: name, ...machine };
  const title = info?.title ?? capital(curveLabel(name));
  return { key: name, title: name.startsWith("eval/") && !/^held-out/i.test(title) ? `Held-out ${title.charAt(0).toLowerCase()}${title.slice(1)}` : title };
}

function makePanel(key: string, title: string, section: string, unit: string, info: MetricInfo | undefined): Panel {
  return { key, title, section, metrics: [], unit, better: info?.better ?? "none", help: info?.help ?? "" };
}

function inCatalogueOrder(names: string[], catalogue: MetricInfo[]): string[] {
  const rank = new Map(catalogue.map((info, index) => [info.name, index]));
  return [...names].sort((a, b) => (rank.get(a) ?? 1e6) - (rank.get(b) ?? 1e6) || a.localeCompare(b));
}

/**
 * Per-term spreads only repeat what their means show; so does an evaluation told under its suite beside its own name.
 * What shares are shares of stands in their intervals.
 */
function isHidden(name: string, names: string[], catalogue: MetricInfo[]): boolean {
  if (catalogue.some((info) => info.share_of === name && names.includes(info.name))) return true;
  const spread = /^rewards\/(.+)\/std$/.exec(name);
  const own = /^eval\/.+?\/(eval\/.+)$/.exec(name)?.[1];
  return (spread !== null && names.includes(`rewards/${spread[1]}/mean`)) || (own !== undefined && names.includes(own));
}

function sectionOf(name: string, info: MetricInfo | undefined): string {
  if (info?.panel) return info.panel.toLowerCase();
  const slash = name.indexOf("/");
  const prefix = slash > 0 ? name.slice(0, slash) : "other";
  return { rewards: "reward", eval: "evaluation" }[prefix] ?? prefix;
}

function sectionRank(section: string): number {
  const rank = SECTION_ORDER.indexOf(section);
  return rank < 0 ? SECTION_ORDER.indexOf("other") : rank;
}

function words(name: string): string {
  return name.replace(/[/_.]+/g, " ").trim();
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
