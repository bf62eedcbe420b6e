/** A lineage in columns: what came first at the left, each thing right of all that went into it. */

import type { Lineage, LineageNode } from "@/api/lineage";

/** Columns from origin to outcome. A cycle, which no lineage has, would end up in one column instead of hanging. */
export function layers(lineage: Lineage): LineageNode[][] {
  const depth = new Map(lineage.nodes.map((node) => [node.id, 0]));
  for (let round = 0; round < lineage.nodes.length; round += 1) {
    let moved = false;
    for (const { source, target } of lineage.edges) {
      const next = (depth.get(source) ?? 0) + 1;
      if (next > (depth.get(target) ?? 0) && next < lineage.nodes.length) {
        depth.set(target, next);
        moved = true;
      }
    }
    if (!moved) break;
  }
  const columns: LineageNode[][] = [];
  for (const node of lineage.nodes) (columns[depth.get(node.id) ?? 0] ??= []).push(node);
  return columns.filter(Boolean);
}

/** The page that shows a node; null for one that has none of its own. */
export function placeOf(projectId: string, node: LineageNode): string | null {
  const base = `/p/${projectId}`;
  switch (node.kind) {
    case "model": return `${base}/models/${node.subject_id}`;
    case "run": return `${base}/runs/${node.subject_id}/curves`;
    case "evaluation": return `${base}/runs/${node.subject_id}/${node.id.startsWith("art_") && node.name === "reward report" ? "report" : "curves"}`;
    case "checkpoint": return `${base}/runs/${node.subject_id}/checkpoints`;
    case "data": return `${base}/data/${node.subject_id}/v/${node.number ?? 1}/rows`;
    case "label": return node.id.startsWith("cmp_") ? `${base}/annotate/${node.subject_id}/overview` : `${base}/playground`;
    case "reward": return `${base}/rewards/${node.subject_id}/v/${node.number ?? 1}/compose`;
  }
}

/** What went into a node and by which role, in words. */
export function inputsOf(lineage: Lineage, node: LineageNode): string {
  const names = new Map(lineage.nodes.map((one) => [one.id, one.name]));
  return lineage.edges.filter((edge) => edge.target === node.id).map((edge) => (edge.role ? `${edge.role}: ${names.get(edge.source) ?? ""}` : names.get(edge.source) ?? "")).join(" · ");
}
