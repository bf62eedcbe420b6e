import { expect, it } from "vitest";
import { readMarkdown } from "./plain-markdown";

it("reads headings, lists, paragraphs and what stands out in them", () => {
  expect(readMarkdown("# Rules\nPrefer the **right** answer,\nthen `short`.\n\n- one\n- two\n1. first")).toEqual([
    { kind: "heading", spans: [{ kind: "text", text: "Rules" }] },
    {
      kind: "paragraph",
      spans: [
        { kind: "text", text: "Prefer the " }, { kind: "strong", text: "right" }, { kind: "text", text: " answer," }, { kind: "text", text: "\n" },
        { kind: "text", text: "then " }, { kind: "code", text: "short" }, { kind: "text", text: "." },
      ],
    },
    { kind: "list", ordered: false, items: [[{ kind: "text", text: "one" }], [{ kind: "text", text: "two" }]] },
    { kind: "list", ordered: true, items: [[{ kind: "text", text: "first" }]] },
  ]);
});

it("leaves markup of other kinds as the text it is", () => {
  const hostile = "<img src=x onerror=alert(1)> [link](javascript:alert(1))";
  expect(readMarkdown(hostile)).toEqual([{ kind: "paragraph", spans: [{ kind: "text", text: hostile }] }]);
});
