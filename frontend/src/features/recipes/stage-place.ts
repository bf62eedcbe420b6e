/** Where what a stage is about, or an output of it, has its page; null for what has none. */
export function placeOf(projectId: string, id: string): string | null {
  const base = `/p/${projectId}`;
  const [prefix] = id.split("_");
  if (prefix === "run") return `${base}/runs/${id}/curves`;
  if (prefix === "mdl") return `${base}/models/${id}`;
  if (prefix === "cmp") return `${base}/annotate/${id}/overview`;
  return null;
}
