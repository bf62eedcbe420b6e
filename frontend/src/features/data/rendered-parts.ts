import type { RenderedRow } from "@/api/datasets";
import type { RecordKind } from "@/api/shapes";

export type Segment = RenderedRow["segments"][number];
/** One text the model would see; a pair has two of them, a ranking several. */
export interface Part { name: string; segments: Segment[] }

/**
 * A row's texts. Where several answers are given to one prompt, each begins with that prompt anew: a masked segment
 * that repeats the row's first one begins the next text.
 */
export function partsOf(segments: Segment[], kind: RecordKind | null): Part[] {
  const several = kind === "preference" || kind === "ranking";
  const first = segments[0];
  const parts: Segment[][] = [];
  for (const [index, segment] of segments.entries()) {
    const anew = several && index > 0 && !segment.trained && segment.text === first?.text;
    if (index === 0 || anew) parts.push([segment]);
    else parts.at(-1)?.push(segment);
  }
  if (parts.length < 2) return [{ name: "", segments }];
  return parts.map((part, index) => ({ name: kind === "preference" ? (["chosen", "rejected"][index] ?? "") : `answer ${index + 1}`, segments: part }));
}
