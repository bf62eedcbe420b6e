/** Enough of Python's words to colour a function of a few lines. */

import { StreamLanguage } from "@codemirror/language";

const KEYWORDS = new Set("and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield True False None".split(" "));

export const python = StreamLanguage.define<{ quote: string }>({
  name: "python",
  startState: () => ({ quote: "" }),
  token(stream, state) {
    if (state.quote) return inString(stream, state);
    if (stream.eatSpace()) return null;
    if (stream.match("#")) {
      stream.skipToEnd();
      return "comment";
    }
    const opened = stream.match(/^(?:[rbfRBF]{0,2})("""|'''|"|')/);
    if (opened && opened !== true) {
      state.quote = opened[1] ?? "";
      return inString(stream, state);
    }
    if (stream.match(/^(?:0[xX][\da-fA-F_]+|\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d+)?)/)) return "number";
    const word = stream.match(/^[A-Za-z_]\w*/);
    if (word && word !== true) return KEYWORDS.has(word[0]) ? "keyword" : null;
    stream.next();
    return null;
  },
  languageData: { commentTokens: { line: "#" }, indentOnInput: /^\s*(?:else:|elif |except|finally:)$/ },
});

/** Up to the end of the string; one of three quotes goes on over lines, any other ends with its line. */
function inString(stream: { match: (text: string) => unknown; next: () => unknown; eol: () => boolean }, state: { quote: string }): string {
  while (!stream.eol()) {
    if (stream.match(state.quote)) {
      state.quote = "";
      return "string";
    }
    if (stream.next() === "\\") stream.next();
  }
  if (state.quote.length === 1) state.quote = "";
  return "string";
}
