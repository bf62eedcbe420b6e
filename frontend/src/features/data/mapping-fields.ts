import type { Fault, Inspection, Mapping, RecordKind } from "@/api/shapes";

/** The fields of each kind of record, those that may be left out last. */
export const KIND_FIELDS: Record<RecordKind, { name: string; optional?: true }[]> = {
  text: [{ name: "text" }],
  demonstration: [{ name: "prompt" }, { name: "completion" }],
  conversation: [{ name: "messages" }],
  prompt: [{ name: "prompt" }],
  prompt_answer: [{ name: "prompt" }, { name: "answer" }],
  preference: [{ name: "prompt", optional: true }, { name: "chosen" }, { name: "rejected" }, { name: "margin", optional: true }],
  ranking: [{ name: "prompt" }, { name: "completions" }, { name: "ranks" }],
  unpaired: [{ name: "prompt" }, { name: "completion" }, { name: "label" }],
  stepwise: [{ name: "prompt" }, { name: "completions" }, { name: "labels" }],
};

export const KIND_WORDS: Record<RecordKind, string> = {
  text: "Plain text",
  demonstration: "Demonstrations",
  conversation: "Conversations",
  prompt: "Prompts",
  prompt_answer: "Prompts with an answer to check",
  preference: "Preference pairs",
  ranking: "Rankings",
  unpaired: "Unpaired labels",
  stepwise: "Step labels",
};

/** Every way to read the file that is offered: those that fit, then each kind by hand. */
export interface Reading {
  key: string;
  label: string;
  mapping: Mapping;
}

export function readings(inspection: Inspection): Reading[] {
  const found = inspection.candidates.map((mapping, index) => ({ key: `found ${index}`, label: `${KIND_WORDS[mapping.kind]}: ${mapping.label}`, mapping }));
  const byHand = (Object.keys(KIND_FIELDS) as RecordKind[]).map((kind) => ({
    key: `hand ${kind}`,
    label: `${KIND_WORDS[kind]}, columns chosen by hand`,
    mapping: byColumns(kind, guess(kind, inspection)),
  }));
  return [...found, ...byHand];
}

export function byColumns(kind: RecordKind, columns: Record<string, string>): Mapping {
  return { kind, shape: "columns", columns, options: {}, label: "", confidence: 0 };
}

/** Changes one column; an empty choice takes the field out. */
export function withColumn(mapping: Mapping, field: string, column: string | null): Mapping {
  const columns = Object.fromEntries(Object.entries(mapping.columns).filter(([name]) => name !== field));
  return { ...mapping, columns: column === null ? columns : { ...columns, [field]: column } };
}

/** What keeps a mapping from being used, in words; empty when it is whole. */
export function missingFields(mapping: Mapping): string[] {
  if (mapping.shape !== "columns") return [];
  return KIND_FIELDS[mapping.kind].filter((field) => !field.optional && !mapping.columns[field.name]).map((field) => field.name);
}

/** "Line 812, column 3: `answer` is missing." */
export function faultPlace(fault: Fault): string {
  const line = fault.line === null || fault.line === undefined ? "" : `Line ${fault.line.toLocaleString("en")}`;
  const column = fault.column === null || fault.column === undefined ? "" : `${line ? ", column" : "Column"} ${fault.column}`;
  return line + column;
}

/** A name for the data set from the file's: the folders and endings off, separators as spaces. */
export function nameFromFile(filename: string): string {
  return filename.replace(/^.*[\\/]/, "").replace(/(\.(jsonl?|csv|parquet|gz|ndjson))+$/i, "").replace(/[_\s]+/g, " ").trim() || "Data set";
}

function guess(kind: RecordKind, inspection: Inspection): Record<string, string> {
  const names = inspection.columns.map((column) => column.name);
  return Object.fromEntries(KIND_FIELDS[kind].flatMap(({ name }) => (names.includes(name) ? [[name, name]] : [])));
}
