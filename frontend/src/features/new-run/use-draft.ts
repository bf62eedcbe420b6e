import { useCallback, useEffect, useMemo, useState } from "react";
import { type Path, readDraft, writeAt } from "./draft-document";

const SAVE_MS = 300;
const storageKey = (projectId: string) => `lodestar.draft.${projectId}`;

/** The draft's text, kept in the browser as one types, with what it says. */
export function useDraft(projectId: string, initial: string) {
  const [text, setText] = useState(initial);
  const read = useMemo(() => readDraft(text), [text]);
  const change = useCallback((path: Path, value: unknown) => setText((now) => writeAt(now, path, value)), []);
  useEffect(() => {
    const timer = window.setTimeout(() => saveDraft(projectId, text), SAVE_MS);
    return () => window.clearTimeout(timer);
  }, [projectId, text]);
  return { text, setText, change, ...read };
}

export function savedDraft(projectId: string): string {
  return localStorage.getItem(storageKey(projectId)) ?? "";
}

export function saveDraft(projectId: string, text: string): void {
  if (text.trim()) localStorage.setItem(storageKey(projectId), text);
  else localStorage.removeItem(storageKey(projectId));
}
