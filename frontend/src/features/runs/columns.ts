/** Which columns the runs table can show, and how each is sorted on the server. */

import type { RunSummary } from "@/api/shapes";

export interface Column { id: string; title: string; sort: string | null; numeric: boolean; width: number }

const FIXED: Column[] = [
  { id: "state", title: "State", sort: "state", numeric: false, width: 104 },
  { id: "method", title: "Method", sort: "method", numeric: false, width: 70 },
  { id: "progress", title: "Progress", sort: "step", numeric: false, width: 116 },
  { id: "curve", title: "Curve", sort: null, numeric: false, width: 104 },
  { id: "tags", title: "Tags", sort: null, numeric: false, width: 70 },
  { id: "age", title: "Created", sort: "created_at", numeric: false, width: 100 },
  { id: "by", title: "By", sort: null, numeric: false, width: 110 },
  { id: "time", title: "Took", sort: null, numeric: true, width: 90 },
];
const MAIN = ["reward", "kl", "loss"];

/** All columns: the fixed ones and one for each metric that some run has. */
export function allColumns(runs: Pick<RunSummary, "metrics">[]): Column[] {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.metrics)))].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  return [...FIXED, ...names.map(metricColumn)];
}

/** What is shown when the address names nothing. */
export function defaultColumns(runs: Pick<RunSummary, "metrics">[]): string[] {
  const metrics = allColumns(runs).filter((column) => column.id.startsWith("metric:")).map((column) => column.id);
  const evaluation = metrics.filter((id) => id.startsWith("metric:eval")).slice(0, 1);
  const main = metrics.filter((id) => MAIN.includes(id.slice(7))).slice(0, 3);
  return ["state", "method", "progress", "curve", ...main, ...evaluation, "tags", "age"];
}

export function chosenColumns(runs: Pick<RunSummary, "metrics">[], ids: string[] | undefined): Column[] {
  const known = allColumns(runs);
  return (ids ?? defaultColumns(runs)).flatMap((id) => known.find((column) => column.id === id) ?? (id.startsWith("metric:") ? [metricColumn(id.slice(7))] : []));
}

/** The next sort when a head is pressed: down, up, then back to newest first. */
export function nextSort(now: string | undefined, key: string): string | undefined {
  if (now === `-${key}`) return key;
  return now === key ? undefined : `-${key}`;
}

/** The curve drawn in a row: reward where there is one, else an evaluation, else loss. */
export function mainMetric(run: Pick<RunSummary, "metrics">): string | null {
  const names = Object.keys(run.metrics);
  return ["reward", "loss"].find((name) => names.includes(name)) ?? names.find((name) => name.startsWith("eval")) ?? names[0] ?? null;
}

/** "eval/exact_match" → "Exact match". */
function metricTitle(name: string): string {
  const words = name.replace(/^eval\//, "").replace(/[/_.]+/g, " ").replace(/\bkl\b/g, "KL");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function metricColumn(name: string): Column {
  return { id: `metric:${name}`, title: metricTitle(name), sort: `metric:${name}`, numeric: true, width: 76 };
}

function rank(name: string): number {
  const at = MAIN.indexOf(name);
  return at >= 0 ? at : name.startsWith("eval") ? 10 : 20;
}
