/** A stretch of text that both hold, or only the first (`gone`), or only the second (`come`). */
export interface DiffPiece {
  kind: "same" | "gone" | "come";
  text: string;
}

/** Cells of the table of common words; beyond, the middle is shown as replaced whole. */
const MOST_CELLS = 9_000_000;

/** Word by word, by a longest common subsequence; white space and punctuation count as words, line ends are kept. */
export function wordDiff(before: string, after: string): DiffPiece[] {
  const [a, b] = [wordsOf(before), wordsOf(after)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const middle = between(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  return joined([...a.slice(0, head).map(same), ...middle, ...a.slice(a.length - tail).map(same)]);
}

/** Share of the longer text's words that both have, 0 to 1. */
export function likeness(pieces: DiffPiece[]): number {
  const count = (kind: DiffPiece["kind"]): number => pieces.filter((piece) => piece.kind === kind).reduce((sum, piece) => sum + wordsOf(piece.text).filter((word) => word.trim() !== "").length, 0);
  const shared = count("same");
  const longest = shared + Math.max(count("gone"), count("come"));
  return longest === 0 ? 1 : shared / longest;
}

function between(a: string[], b: string[]): DiffPiece[] {
  if (a.length * b.length > MOST_CELLS) return [...a.map(gone), ...b.map(come)];
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => table[i * width + j] as number;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      table[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + weight(a[i] as string) : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const out: DiffPiece[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      out.push(same(a[i] as string));
      i += 1;
      j += 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      out.push(gone(a[i] as string));
      i += 1;
    } else {
      out.push(come(b[j] as string));
      j += 1;
    }
  }
  return [...out, ...a.slice(i).map(gone), ...b.slice(j).map(come)];
}

/** A shared word says more than the space beside it. */
function weight(word: string): number {
  return word.trim() === "" ? 1 : 3;
}

/** Words, numbers, runs of white space, and every other sign by itself. */
function wordsOf(text: string): string[] {
  return text.match(/\p{L}[\p{L}\p{M}]*|\p{N}+|\s+|./gsu) ?? [];
}

function joined(pieces: DiffPiece[]): DiffPiece[] {
  const out: DiffPiece[] = [];
  for (const piece of pieces) {
    const last = out.at(-1);
    if (last?.kind === piece.kind) last.text += piece.text;
    else out.push({ ...piece });
  }
  return out;
}

const same = (text: string): DiffPiece => ({ kind: "same", text });
const gone = (text: string): DiffPiece => ({ kind: "gone", text });
const come = (text: string): DiffPiece => ({ kind: "come", text });
