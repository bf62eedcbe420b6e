/** The little of Markdown that guidelines need, as data: nothing of it is ever HTML. */

export type Span = { kind: "text" | "strong" | "code"; text: string };
export type Block = { kind: "heading"; spans: Span[] } | { kind: "paragraph"; spans: Span[] } | { kind: "list"; ordered: boolean; items: Span[][] };

const ITEM = /^\s*(?:[-*]|(\d+)[.)])\s+(.*)$/;

/** Headings (#), lists (-, *, 1.), **strong**, `code`, paragraphs; anything else is text as it stands. */
export function readMarkdown(source: string): Block[] {
  const blocks: Block[] = [];
  let open = false;
  for (const line of source.replaceAll("\r\n", "\n").split("\n")) {
    const heading = line.match(/^#{1,4}\s+(.*)$/);
    const item = line.match(ITEM);
    const last = blocks.at(-1);
    if (line.trim() === "") open = false;
    else if (heading) {
      blocks.push({ kind: "heading", spans: readSpans(heading[1] ?? "") });
      open = false;
    } else if (item) {
      const spans = readSpans(item[2] ?? "");
      const ordered = item[1] !== undefined;
      if (open && last?.kind === "list" && last.ordered === ordered) last.items.push(spans);
      else blocks.push({ kind: "list", ordered, items: [spans] });
      open = true;
    } else if (open && last?.kind === "paragraph") last.spans.push({ kind: "text", text: "\n" }, ...readSpans(line));
    else {
      blocks.push({ kind: "paragraph", spans: readSpans(line) });
      open = true;
    }
  }
  return blocks;
}

function readSpans(text: string): Span[] {
  return text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).filter(Boolean).map((part) => {
    if (part.startsWith("**") && part.length > 4) return { kind: "strong", text: part.slice(2, -2) };
    if (part.startsWith("`") && part.length > 2) return { kind: "code", text: part.slice(1, -1) };
    return { kind: "text", text: part };
  });
}
