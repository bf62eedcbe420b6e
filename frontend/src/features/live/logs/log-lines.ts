import type { LogLine } from "@/api/run";
import type { Kept } from "../events";

export const LEVELS = ["debug", "info", "warning", "error"] as const;
export type Level = (typeof LEVELS)[number];

/** The lines among events: logs as they are, and what a reader of the log would miss otherwise. */
export function linesOf(items: Kept[]): LogLine[] {
  return items.flatMap(({ cursor, event }): LogLine[] => {
    const line = (level: Level, message: string, step: number | null = null): LogLine[] => [{ cursor, time: event.time, level, message, step }];
    switch (event.type) {
      case "log":
        return line(event.level, event.message);
      case "alert":
        return line(event.level === "info" ? "info" : event.level === "critical" ? "error" : "warning", event.message, event.step);
      case "failed":
        return line("error", event.remedy ? `${event.message} ${event.remedy}` : event.message, event.step);
      default:
        return [];
    }
  });
}

/** Lines at or above a level that match a pattern; a pattern that is no regular expression is taken as plain text. */
export function filterLines(lines: LogLine[], level: Level, pattern: string): LogLine[] {
  const lowest = LEVELS.indexOf(level);
  const matches = matcher(pattern);
  return lines.filter((line) => LEVELS.indexOf(line.level) >= lowest && matches(line.message));
}

/** Puts two runs of lines together: by cursor, each once. */
export function mergeLines(older: LogLine[], newer: LogLine[]): LogLine[] {
  const last = older.at(-1)?.cursor ?? -1;
  const fresh = newer.filter((line) => line.cursor > last);
  return fresh.length === 0 ? older : [...older, ...fresh];
}

/** A line cut into what matches and what does not, for marking. */
export function pieces(message: string, pattern: string): { text: string; hit: boolean }[] {
  if (pattern === "") return [{ text: message, hit: false }];
  const found = expression(pattern, "giu");
  const out: { text: string; hit: boolean }[] = [];
  let from = 0;
  for (const match of message.matchAll(found)) {
    if (match[0] === "") break;
    if (match.index > from) out.push({ text: message.slice(from, match.index), hit: false });
    out.push({ text: match[0], hit: true });
    from = match.index + match[0].length;
  }
  if (from < message.length) out.push({ text: message.slice(from), hit: false });
  return out;
}

function matcher(pattern: string): (message: string) => boolean {
  if (pattern === "") return () => true;
  const found = expression(pattern, "iu");
  return (message) => found.test(message);
}

function expression(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return new RegExp(pattern.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&"), flags);
  }
}
