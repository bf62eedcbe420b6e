/** Where fields stand in a YAML or JSON text, so that a fault is marked where it is. */

import { type Document, isNode, LineCounter, parseDocument } from "yaml";

export interface TextPlace { line: number; column: number }
export interface TextFault extends TextPlace { message: string }

/** The text's value, or where and why it cannot be read; JSON is YAML. */
export function readText(text: string): { value: unknown; fault: TextFault | null } {
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (!error) return { value: document.toJS() as unknown, fault: null };
  const at = error.linePos?.[0];
  return { value: undefined, fault: { line: at?.line ?? 1, column: at?.col ?? 1, message: `${error.message.split("\n")[0]}` } };
}

/** Where a dotted field stands in the text; its nearest written parent when it is not written itself. */
export function placeOfField(text: string, field: string): TextPlace {
  const lines = new LineCounter();
  return positionOf(parseDocument(text, { lineCounter: lines }), lines, field.split("."));
}

export function positionOf(document: Document, lines: LineCounter, path: string[]): TextPlace {
  for (let depth = path.length; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return place(lines.linePos(node.range[0]));
  }
  return { line: 1, column: 1 };
}

export function place(position: { line: number; col: number }): TextPlace {
  return { line: Math.max(1, position.line), column: Math.max(1, position.col) };
}
