import { queryOptions } from "@tanstack/react-query";
import { get, post, remove } from "./http";
import type { AlgorithmConfig, Algorithms, Page, RewardPipeline } from "./shapes";

export const algorithmsQuery = queryOptions({ queryKey: ["algorithms"], queryFn: () => get<Algorithms>("/algorithms"), staleTime: 300_000 });

export interface ConfigCheck { valid: boolean; config: Record<string, unknown>; errors: { field: string; message: string }[] }
export const checkConfig = (slug: string, config: Record<string, unknown>) => post<ConfigCheck>(`/algorithms/${slug}/validate`, { config });

export const savedConfigsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["algorithm-configs", projectId],
    queryFn: async () => (await get<Page<AlgorithmConfig>>(`/projects/${projectId}/algorithm-configs`, { limit: 200 })).items,
  });
export interface NewConfig { name: string; method: string; config: Record<string, unknown>; reward: RewardPipeline | null; description?: string }
export const saveConfig = (projectId: string, config: NewConfig) => post<AlgorithmConfig>(`/projects/${projectId}/algorithm-configs`, config);
export const deleteConfig = (id: string) => remove(`/algorithm-configs/${id}`);
