/** Where a report that a run of the stage left is read; null for what is none. */
export function reportPlace(projectId: string, output: string, run: unknown): string | null {
  if (typeof run !== "string") return null;
  if (output === "reward_report") return `/p/${projectId}/runs/${run}/report`;
  return output === "evaluation" ? `/p/${projectId}/runs/${run}/curves` : null;
}

/** Where what a stage is about, or an output of it, has its page; null for what has none. */
export function placeOf(projectId: string, id: string): string | null {
  const base = `/p/${projectId}`;
  const [prefix] = id.split("_");
  if (prefix === "run") return `${base}/runs/${id}/curves`;
  if (prefix === "mdl") return `${base}/models/${id}`;
  if (prefix === "ds") return `${base}/data/${id}`;
  if (prefix === "cmp") return `${base}/annotate/${id}/overview`;
  return null;
}
