import { queryOptions } from "@tanstack/react-query";
import { get } from "./http";
import type { components } from "./schema";

export type Lineage = components["schemas"]["LineageOut"];
export type LineageNode = Lineage["nodes"][number];

export const modelLineageQuery = (id: string) => queryOptions({ queryKey: ["lineage", id], queryFn: () => get<Lineage>(`/models/${id}/lineage`) });
export const runLineageQuery = (id: string) => queryOptions({ queryKey: ["lineage", id], queryFn: () => get<Lineage>(`/runs/${id}/lineage`) });
