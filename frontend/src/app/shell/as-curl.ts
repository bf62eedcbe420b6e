/** The API call behind a page, for `Y`: the same view, from a script. */

const TABS: Record<string, string> = { curves: "/metrics", rollouts: "/rollouts", logs: "/logs", checkpoints: "/checkpoints", system: "/metrics" };

const CAMPAIGN_TABS: Record<string, string> = { overview: "/overview", people: "/overview", conflicts: "/review", export: "/exports" };

/** The route below /api/v1 that answers what the page at `path` shows; null for pages without one. */
export function apiRoute(path: string, search: string): string | null {
  const [, project, place, id, tab] = path.match(/^\/p\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?(?:\/([^/]+))?/) ?? [];
  if (path.startsWith("/ops")) return "/workers";
  if (!project) return null;
  if (place === "runs" && id === "new") return "/algorithms";
  if (place === "runs" && id) return `/runs/${id}${TABS[tab ?? ""] ?? ""}`;
  if (place === "data" && id) return `/datasets/${id}`;
  if (place === "models" && id) return `/models/${id}`;
  if (place === "annotate" && id && id !== "new") return `/campaigns/${id}${CAMPAIGN_TABS[tab ?? ""] ?? ""}`;
  if (place === "recipes" && id) return `/recipe-runs/${id}`;
  if (place === "settings") return id === "tokens" ? "/tokens" : id === "project" ? `/projects/${project}` : `/projects/${project}/${id ?? "members"}`;
  const list = { runs: "runs", data: "datasets", models: "models", annotate: "campaigns", recipes: "recipes" }[place ?? "runs"];
  return list ? `/projects/${project}/${list}${kept(search)}` : null;
}

export function asCurl(origin: string, route: string): string {
  return `curl -H "Authorization: Bearer $LODESTAR_TOKEN" "${origin}/api/v1${route}"`;
}

/** Of the page's parameters, those the API knows by the same name. */
function kept(search: string): string {
  const params = [...new URLSearchParams(search)].filter(([name]) => name === "q" || name === "sort");
  return params.length > 0 ? `?${new URLSearchParams(params).toString()}` : "";
}
