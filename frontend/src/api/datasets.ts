import { queryOptions } from "@tanstack/react-query";
import { get } from "./http";
import type { Dataset, Page } from "./shapes";

export const datasetsQuery = (projectId: string, q = "") =>
  queryOptions({
    queryKey: ["datasets", projectId, q],
    queryFn: async () => (await get<Page<Dataset>>(`/projects/${projectId}/datasets`, { q, limit: 200 })).items,
  });
