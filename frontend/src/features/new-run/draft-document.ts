/** The draft of a run is one YAML document. The form edits it in place, so comments and order stay. */

import { Document, isMap, isScalar, LineCounter, type Node, parseDocument, visit } from "yaml";
import type { RunDraft } from "@/api/shapes";
import { place, positionOf } from "@/ui/document-place";

export interface DraftFault { line: number; column: number; field: string; message: string }
export interface ReadDraft { draft: RunDraft; faults: DraftFault[]; readable: boolean }
export type Path = readonly (string | number)[];

export const EMPTY_DRAFT: RunDraft = {
  name: "", method: "", config: {}, models: {}, datasets: {}, reward: null, resources: { gpus: 0, precision: "float32" },
  limits: {}, seed: 0, tags: [], notes: "", priority: 0,
};
const KEYS = ["name", "method", "models", "datasets", "reward", "reward_version_id", "config", "limits", "resources", "seed", "tags", "notes", "priority", "cloned_from", "config_id"];
const OBJECTS = ["models", "datasets", "config", "limits", "resources"];

/** Reads the document: a draft with every key, and what is wrong with it, by line. */
export function readDraft(text: string): ReadDraft {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => lines.linePos(offset);
  if (document.errors.length > 0) {
    const faults = document.errors.map((error) => ({ ...place(at(error.pos[0])), field: "", message: `${error.message.split("\n")[0]}.` }));
    return { draft: EMPTY_DRAFT, faults, readable: false };
  }
  const raw: unknown = document.toJS() ?? {};
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    return { draft: EMPTY_DRAFT, faults: [{ line: 1, column: 1, field: "", message: "Write keys and values, such as method: grpo." }], readable: false };
  }
  const values = raw as Record<string, unknown>;
  const faults = shapeFaults(values).map(({ field, message }) => ({ ...positionOf(document, lines, [field]), field, message }));
  const bad = new Set(faults.map((fault) => fault.field));
  const kept = Object.fromEntries(Object.entries(values).filter(([key, value]) => !bad.has(key) && value !== null && value !== undefined));
  return { draft: { ...EMPTY_DRAFT, ...kept, resources: { ...EMPTY_DRAFT.resources, ...(kept.resources as object | undefined) } }, faults, readable: true };
}

function shapeFaults(values: Record<string, unknown>): { field: string; message: string }[] {
  const unknown = Object.keys(values).filter((key) => !KEYS.includes(key)).map((key) => ({ field: key, message: `\`${key}\` is not a key of a run. Known: ${KEYS.join(", ")}.` }));
  const flat = OBJECTS.filter((key) => values[key] !== null && values[key] !== undefined && (typeof values[key] !== "object" || Array.isArray(values[key])));
  return [...unknown, ...flat.map((key) => ({ field: key, message: `\`${key}\` takes keys and values below it.` }))];
}

/** The document with one value changed; `undefined` removes it. Comments elsewhere stay as they are. */
export function writeAt(text: string, path: Path, value: unknown): string {
  const read = parseDocument(text);
  if (read.errors.length > 0) return text;
  const document: Document = read.contents === null ? new Document({}) : read;
  const known = document.has(path[0]);
  if (value === undefined) document.deleteIn(path);
  else document.setIn(path, node(document, value));
  if (!known) inOrder(document);
  return emptyToNothing(String(document));
}

/** Small numbers are written 5e-5, not 0.00005. */
function node(document: Document, value: unknown): Node {
  const made = document.createNode(value);
  visit(made, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value !== "number" || scalar.value === 0 || Math.abs(scalar.value) >= 1e-3) return;
      scalar.format = "EXP";
      scalar.source = String(scalar.value);
    },
  });
  return made;
}

/** Puts a new top-level key where readers expect it. */
function inOrder(document: Document): void {
  const rank = (key: unknown) => KEYS.indexOf(String(isScalar(key) ? key.value : key));
  if (isMap(document.contents)) document.contents.items.sort((a, b) => rank(a.key) - rank(b.key));
}

/** A draft as a fresh document, the empty parts left out. */
export function writeDraft(draft: Partial<RunDraft>): string {
  const entries = KEYS.map((key) => [key, draft[key as keyof RunDraft]] as const).filter(([key, value]) => !isEmpty(key, value));
  const document = new Document({});
  for (const [key, value] of entries) document.set(key, node(document, value));
  return emptyToNothing(document.toString({ lineWidth: 0 }));
}

function isEmpty(key: string, value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  if (key === "resources") return JSON.stringify(value) === JSON.stringify(EMPTY_DRAFT.resources);
  if (typeof value === "object") return Object.values(value).every((one) => one === null || one === undefined);
  return (key === "seed" || key === "priority") && value === 0;
}

function emptyToNothing(text: string): string {
  return text.trim() === "{}" ? "" : text;
}
