import { autocompletion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import { python } from "./python-mode";
import classes from "./code-editor.module.css";

export interface CodeFault { line: number; column: number; message: string }
export interface Completion { label: string; detail?: string; info?: string }
interface Props { value: string; label: string; language?: "yaml" | "python"; faults?: CodeFault[]; completions?: Completion[]; readOnly: boolean; onChange: (text: string) => void }

const NO_FAULTS: CodeFault[] = [];
const NO_WORDS: Completion[] = [];

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--ls-accent)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--ls-muted)", fontStyle: "italic" },
  { tag: tags.keyword, color: "var(--ls-accent)", fontWeight: "600" },
  { tag: tags.content, color: "var(--ls-text)" },
  { tag: tags.string, color: "var(--ls-ok)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--ls-live)" },
]);

/** A document as text, faults marked where they stand. */
export default function CodeEditor({ value, label, language = "yaml", faults = NO_FAULTS, completions = NO_WORDS, readOnly, onChange }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef({ onChange, completions });
  useEffect(() => {
    latest.current = { onChange, completions };
  });
  useEffect(() => {
    if (!host.current) return undefined;
    const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";
    const complete = (context: CompletionContext): CompletionResult | null => {
      const word = context.matchBefore(/[\w.]+/);
      return word || context.explicit ? { from: word?.from ?? context.pos, options: latest.current.completions.map((one) => ({ ...one, type: "property", apply: `${one.label}: ` })) } : null;
    };
    view.current = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: value,
        extensions: [
          EditorView.cspNonce.of(nonce), lineNumbers(), history(), drawSelection(), indentOnInput(), ...(language === "python" ? [python, indentUnit.of("    ")] : [yaml()]), syntaxHighlighting(colours), lintGutter(), autocompletion({ override: [complete] }),
          keymap.of([...defaultKeymap.filter((binding) => binding.key !== "Mod-Enter"), ...historyKeymap, indentWithTab]),
          EditorState.readOnly.of(readOnly), EditorView.lineWrapping, EditorView.contentAttributes.of({ "aria-label": label }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    return () => view.current?.destroy();
    // The editor is made once; later values are brought in below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [readOnly, language]);
  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value) editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);
  useEffect(() => {
    const editor = view.current;
    if (editor) editor.dispatch(setDiagnostics(editor.state, faults.map((fault) => diagnostic(editor, fault))));
  }, [faults, value]);
  return <div ref={host} className={classes.editor} />;
}

function diagnostic(editor: EditorView, fault: CodeFault): Diagnostic {
  const line = editor.state.doc.line(Math.min(fault.line, editor.state.doc.lines));
  const from = Math.min(line.from + fault.column - 1, line.to);
  return { from, to: Math.max(line.to, from), severity: "error", message: fault.message };
}
