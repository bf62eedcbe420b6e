import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, patch, post, remove, request } from "./http";
import type { Dataset, DatasetVersion, Fault, Job, Mapping, Page, Upload } from "./shapes";

export interface PreviewRow { line: number; record: CanonicalRow | null; faults: Fault[] }
export interface ChatMessage { role: string; content: string; weight?: number | null; name?: string | null }
export type RowText = string | ChatMessage[];
export type CanonicalRow = Record<string, unknown>;
export interface SplitRule { mode: "none" | "fraction" | "column"; test_fraction?: number; seed?: number; column?: string }
export type DataSource = { upload_id: string } | { hub: { name: string; config?: string; split?: string; revision?: string } };
export interface NewVersion { source: DataSource; mapping?: Mapping; splits: SplitRule }
export interface Created { dataset: Dataset; version: DatasetVersion; job: Job }
export interface RowsPage { items: { index: number; record: CanonicalRow }[]; total: number; next: number | null }
export interface SplitStats {
  rows: number; tokens_total: number; histogram: { edges: number[]; counts: number[] }; quantiles: Record<string, number>;
  truncated: { length: number; fraction: number }[];
}
export interface VersionStats { splits: Record<string, SplitStats> }
export interface RenderedRow { index: number; tokens: number; cut_at: number | null; segments: { text: string; trained: boolean; role: string }[] }

/** Read again while one of them is still being read, so that it may be chosen as soon as it is ready. */
export const datasetsQuery = (projectId: string, q = "") =>
  queryOptions({
    queryKey: ["datasets", projectId, q],
    queryFn: async () => (await get<Page<Dataset>>(`/projects/${projectId}/datasets`, { q, limit: 200 })).items,
    refetchInterval: (query) => (query.state.data?.some((set) => set.latest?.state === "ingesting") ? 1000 : false),
  });
export const datasetQuery = (id: string) => queryOptions({ queryKey: ["dataset", id], queryFn: () => get<Dataset>(`/datasets/${id}`) });
export const versionsQuery = (datasetId: string) =>
  queryOptions({
    queryKey: ["dataset", datasetId, "versions"],
    queryFn: async () => (await get<Page<DatasetVersion>>(`/datasets/${datasetId}/versions`, { limit: 200 })).items,
    refetchInterval: (query) => (query.state.data?.some((version) => version.state === "ingesting") ? 1000 : false),
  });
export const rowsQuery = (versionId: string, split: string, q: string) =>
  infiniteQueryOptions({
    queryKey: ["rows", versionId, split, q],
    queryFn: ({ pageParam, signal }) => get<RowsPage>(`/dataset-versions/${versionId}/rows`, { split, q, offset: pageParam, limit: 100 }, signal),
    initialPageParam: 0,
    getNextPageParam: (last) => last.next ?? undefined,
    staleTime: Infinity,
  });
export const statsQuery = (versionId: string, modelId: string) =>
  queryOptions({ queryKey: ["stats", versionId, modelId], queryFn: () => get<VersionStats>(`/dataset-versions/${versionId}/stats`, { model_id: modelId }), retry: false });
export const uploadQuery = (id: string) =>
  queryOptions({
    queryKey: ["upload", id],
    queryFn: () => get<Upload>(`/uploads/${id}`),
    refetchInterval: (query) => (query.state.data?.state === "received" || query.state.data?.state === "receiving" ? 700 : false),
  });

export const startUpload = (projectId: string, filename: string, sizeBytes: number) =>
  post<Upload>(`/projects/${projectId}/uploads`, { filename, size_bytes: sizeBytes });
export const getUpload = (id: string) => get<Upload>(`/uploads/${id}`);
export const sendChunk = (id: string, offset: number, chunk: Blob, signal: AbortSignal) =>
  request<Upload>("PATCH", `/uploads/${id}`, { raw: chunk, headers: { "upload-offset": String(offset), "content-type": "application/octet-stream" }, signal });
export const dropUpload = (id: string) => remove(`/uploads/${id}`);
export const previewUpload = (id: string, mapping: Mapping) => post<{ rows: PreviewRow[] }>(`/uploads/${id}/preview`, { mapping });
export const createDataset = (projectId: string, body: NewVersion & { name: string; description?: string }) => post<Created>(`/projects/${projectId}/datasets`, body);
export const addVersion = (datasetId: string, body: NewVersion) => post<Created>(`/datasets/${datasetId}/versions`, body);
export const editDataset = (id: string, change: { name?: string; description?: string }) => patch<Dataset>(`/datasets/${id}`, change);
export const deleteDataset = (id: string) => remove(`/datasets/${id}`);
export const restoreDataset = (id: string) => post<Dataset>(`/datasets/${id}/restore`);
export const countTokens = (versionId: string, modelId: string) => post<Job<VersionStats>>(`/dataset-versions/${versionId}/stats`, { model_id: modelId });
export const renderRows = (versionId: string, body: { model_id: string; split: string; rows: number[]; max_length?: number }) =>
  post<Job<{ rows: RenderedRow[] }>>(`/dataset-versions/${versionId}/render`, body);
