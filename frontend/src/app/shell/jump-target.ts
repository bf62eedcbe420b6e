/** Where a pasted id or address of this site leads; null when the text is neither. */
export function jumpTarget(text: string, projectId: string): string | null {
  const pasted = text.trim();
  const path = pasted.match(/^https?:\/\/[^/]+(\/(?:p|me|ops|welcome).*)$/)?.[1];
  if (path) return path;
  const id = pasted.match(/^(run|ds|mdl|cmp|rwd|rrn)_[a-z2-7]{8,}$/);
  const place = { run: "runs", ds: "data", mdl: "models", cmp: "annotate", rwd: "rewards", rrn: "recipes" }[id?.[1] ?? ""];
  return place ? `/p/${projectId}/${place}/${pasted}` : null;
}
