/** What belongs to one run: curves, events, logs, rollouts, checkpoints. The run itself is in runs.ts. */

import { queryOptions } from "@tanstack/react-query";
import { get, post } from "./http";
import type { MetricInfo, Model, Page, Run, SeriesAnswer } from "./shapes";

export interface NumberedEvent<E = unknown> { cursor: number; attempt: number; event: E }
export interface EventPage<E = unknown> { items: NumberedEvent<E>[]; next: number | null; cursor: number; epoch: string }
export interface LogLine { cursor: number; time: number; level: "debug" | "info" | "warning" | "error"; message: string; step?: number | null }
export interface LogPage { items: LogLine[]; older: boolean; newer: boolean }
export interface AnswerTokens {
  ids: number[]; texts: string[]; logprobs?: Channel; ref_logprobs?: Channel; rewards?: Channel; advantages?: Channel;
  values?: Channel; returns?: Channel; kl?: Channel; entropy?: Channel; ratio?: Channel; mask?: number[] | null;
}
export type Channel = (number | null)[] | null;
export interface Answer {
  text: string; reward: number | null; terms: Record<string, number | null>; advantage?: number | null; length: number; truncated: boolean;
  tokens?: AnswerTokens | null;
}
export interface Rollout {
  cursor: number; attempt: number; step: number; time: number; row?: number | null; prompt: string; reference_answer?: string | null;
  reward: number | null; answers: Answer[];
}
export interface Checkpoint {
  id: string; run_id: string; step: number; created_at: string; size_bytes: number; reason: string; metrics: Record<string, number | null>;
  path: string; attempt: number; verified: boolean | null;
}
export interface HistoryEntry { time: string; from: string; to: string; by: string; reason: string; attempt: number }
export const metricsQuery = (id: string) =>
  queryOptions({ queryKey: ["run", id, "metrics"], queryFn: () => get<{ names: MetricInfo[]; cursor: number; epoch: string }>(`/runs/${id}/metrics`) });
export const checkpointsQuery = (id: string) => queryOptions({ queryKey: ["run", id, "checkpoints"], queryFn: () => get<Checkpoint[]>(`/runs/${id}/checkpoints`) });
export const historyQuery = (id: string) => queryOptions({ queryKey: ["run", id, "history"], queryFn: () => get<HistoryEntry[]>(`/runs/${id}/history`) });
export const rolloutQuery = (id: string, cursor: number) =>
  queryOptions({ queryKey: ["run", id, "rollout", cursor], queryFn: () => get<Rollout>(`/runs/${id}/rollouts/${cursor}`), staleTime: Infinity });

export const getRun = (id: string) => get<Run>(`/runs/${id}`);
export const registerCheckpoint = (id: string, name: string) => post<Model>(`/checkpoints/${id}/register`, { name });

export function getSeries(id: string, names: string[], range: { from: number; to: number } | null, points: number): Promise<SeriesAnswer> {
  return get<SeriesAnswer>(`/runs/${id}/series`, { names, from: range?.from, to: range?.to, points });
}

export function getEvents<E>(id: string, query: { after: number; limit?: number; types?: string[] }): Promise<EventPage<E>> {
  return get<EventPage<E>>(`/runs/${id}/events`, query);
}

export function getLogs(id: string, query: { after?: number; before?: number; level?: string; q?: string; limit?: number }): Promise<LogPage> {
  return get<LogPage>(`/runs/${id}/logs`, query);
}

export interface RolloutFilter { step_from?: number; step_to?: number; q?: string; sort?: string }

export function getRollouts(id: string, filter: RolloutFilter, cursor?: string | null, limit = 50): Promise<Page<Rollout>> {
  return get<Page<Rollout>>(`/runs/${id}/rollouts`, { ...filter, cursor, limit });
}

export interface Artifact { id: string; run_id: string; kind: string; created_at: string; size_bytes: number }
export const artifactsQuery = (id: string) => queryOptions({ queryKey: ["run", id, "artifacts"], queryFn: () => get<Artifact[]>(`/runs/${id}/artifacts`) });
