import { queryOptions } from "@tanstack/react-query";
import { get, patch, post, remove } from "./http";
import type { Job, Model, Page } from "./shapes";

export type ModelSource = { path: string } | { hub: { name: string; revision?: string } };

export const modelsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["models", projectId],
    queryFn: async () => (await get<Page<Model>>(`/projects/${projectId}/models`, { limit: 200 })).items,
    refetchInterval: (query) => (query.state.data?.some((model) => model.state === "inspecting") ? 1000 : false),
  });

export const modelQuery = (id: string) =>
  queryOptions({
    queryKey: ["model", id],
    queryFn: () => get<Model>(`/models/${id}`),
    refetchInterval: (query) => (query.state.data?.state === "inspecting" ? 1000 : false),
  });

export const registerModel = (projectId: string, name: string, source: ModelSource) =>
  post<{ model: Model; job: Job }>(`/projects/${projectId}/models`, { name, source });
export const mergeModel = (id: string, name: string) => post<{ model: Model; job: Job }>(`/models/${id}/merge`, { name });
export const editModel = (id: string, name: string) => patch<Model>(`/models/${id}`, { name });
export const deleteModel = (id: string) => remove(`/models/${id}`);
export const restoreModel = (id: string) => post<Model>(`/models/${id}/restore`);
