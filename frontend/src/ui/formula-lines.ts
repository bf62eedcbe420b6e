/** A formula's statements, one a line: cut at each top-level `\quad`, where authors begin the next; the comma before it goes. */
export function formulaLines(tex: string): string[] {
  const lines: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < tex.length; at += 1) {
    const rest = tex.slice(at);
    if (rest.startsWith("{") || rest.startsWith("\\left") || rest.startsWith("\\begin")) depth += tex[at - 1] === "\\" ? 0 : 1;
    else if (rest.startsWith("}") || rest.startsWith("\\right") || rest.startsWith("\\end")) depth -= tex[at - 1] === "\\" ? 0 : 1;
    const mark = depth === 0 ? /^\\q?quad(?![a-z])/.exec(rest)?.[0] : undefined;
    if (mark) {
      lines.push(tex.slice(start, at));
      at += mark.length - 1;
      start = at + 1;
    }
  }
  return [...lines, tex.slice(start)].map((line) => line.trim().replace(/(\\?,|;)$/, "").trim()).filter(Boolean);
}
