/** OpenAI's grader as text: read, and its faults set where they stand. */

import type { FieldError } from "@/api/problem";
import { placeOfField, readText, type TextFault } from "@/ui/document-place";

export type Grader = Record<string, unknown>;
export interface GraderFault extends TextFault { field: string }

export const EXAMPLE = `{
  "type": "multi",
  "graders": {
    "right": {"type": "string_check", "name": "right", "operation": "eq", "input": "{{ sample.output_text }}", "reference": "{{ item.answer }}"},
    "near": {"type": "text_similarity", "name": "near", "evaluation_metric": "fuzzy_match", "input": "{{ sample.output_text }}", "reference": "{{ item.answer }}"}
  },
  "calculate_output": "0.8 * right + 0.2 * near"
}
`;

/** The grader, or where the text cannot be one. */
export function readGrader(text: string): { grader: Grader | null; fault: GraderFault | null } {
  const { value, fault } = readText(text);
  if (fault) return { grader: null, fault: { ...fault, field: "" } };
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { grader: null, fault: { line: 1, column: 1, field: "", message: "Paste a grader: an object with a `type`." } };
  return { grader: value as Grader, fault: null };
}

/** Whether some grader in it asks a language model, so that somebody must stand for that model. */
export function asksModel(grader: Grader | null): boolean {
  if (!grader) return false;
  const inner = typeof grader.graders === "object" && grader.graders !== null ? Object.values(grader.graders as Record<string, unknown>) : [];
  return [grader, ...inner].some((one) => typeof one === "object" && one !== null && (one as Grader).type === "score_model");
}

/** The server's faults with their lines; those of the grader lose its name from their path. */
export function graderFaults(text: string, errors: FieldError[]): GraderFault[] {
  return errors.map(({ field, message }) => {
    const path = field.replace(/^grader\.?/, "");
    return { ...(field.startsWith("grader") ? placeOfField(text, path) : { line: 1, column: 1 }), field: path, message };
  });
}
