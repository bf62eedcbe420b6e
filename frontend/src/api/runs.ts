import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, patch, post, remove } from "./http";
import type { Page, PreflightReport, Job, Run, RunDraft, RunSummary, SeriesAnswer } from "./shapes";

export interface RunFilter { q?: string; sort?: string; kind?: string }

export const runsQuery = (projectId: string, filter: RunFilter = {}, limit = 100) =>
  infiniteQueryOptions({
    queryKey: ["runs", projectId, filter, limit],
    queryFn: ({ pageParam, signal }) => get<Page<RunSummary>>(`/projects/${projectId}/runs`, { ...filter, cursor: pageParam, limit }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });

export const runQuery = (runId: string) => queryOptions({ queryKey: ["run", runId], queryFn: () => get<Run>(`/runs/${runId}`) });

/** A short curve for a table cell. */
export const sparklineQuery = (runId: string, name: string, step: number) =>
  queryOptions({
    queryKey: ["sparkline", runId, name, step],
    queryFn: ({ signal }) => get<SeriesAnswer>(`/runs/${runId}/series`, { names: name, points: 60 }, signal),
    staleTime: Infinity,
  });

export const draftOfRun = (runId: string) => get<RunDraft>(`/runs/${runId}/draft`);
export const launchRun = (projectId: string, draft: RunDraft, idempotencyKey: string) =>
  post<Run>(`/projects/${projectId}/runs`, draft, { idempotencyKey });
export const editRun = (runId: string, change: { name?: string; tags?: string[]; notes?: string; priority?: number }) => patch<Run>(`/runs/${runId}`, change);
export const deleteRun = (runId: string) => remove(`/runs/${runId}`);
export const restoreRun = (runId: string) => post<Run>(`/runs/${runId}/restore`);
export const retryRun = (runId: string) => post<Run>(`/runs/${runId}/retry`);
export const askPreflight = (projectId: string, draft: RunDraft) => post<Job<PreflightReport>>(`/projects/${projectId}/preflight`, draft);

export type ControlType = "pause" | "resume" | "stop" | "cancel" | "checkpoint" | "set" | "sample";
export const controlRun = (runId: string, control: { type: ControlType; field?: string; value?: number; checkpoint?: boolean }) =>
  post<Run>(`/runs/${runId}/control`, control);

/** The demo's two runs; refused with `demo_not_ready` while a worker still makes its model and data. */
export const launchDemo = (projectId: string) => post<Page<RunSummary>>(`/projects/${projectId}/demo-runs`);
