import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, post } from "./http";
import type { Comparisons, DatasetChoice, Evaluation, EvaluationBoard, EvaluationDetail, ItemPage, Page, RewardPipeline, RunSummary } from "./shapes";

export type Show = "all" | "right" | "wrong" | "flipped" | "gained" | "lost";
export interface ItemFilter { against?: string; show?: Show; metric?: string; q?: string }
export interface NewEvaluation {
  method: string; models: string[]; others: Record<string, string>; dataset: DatasetChoice; config: Record<string, unknown>;
  reward?: RewardPipeline | null; reward_version_id?: string | null; name?: string;
}

/** `ended` counts the evaluations that have ended: another one is another board. */
export const boardQuery = (projectId: string, ended: number) => queryOptions({ queryKey: ["evaluations", projectId, "board", ended], queryFn: () => get<EvaluationBoard>(`/projects/${projectId}/evaluation-board`) });
export const evaluationQuery = (id: string) => queryOptions({ queryKey: ["evaluation", id], queryFn: () => get<EvaluationDetail>(`/evaluations/${id}`) });
export const sameSuiteQuery = (projectId: string, suiteKey: string) =>
  queryOptions({
    queryKey: ["evaluations", projectId, "suite", suiteKey],
    queryFn: async () => (await get<Page<Evaluation>>(`/projects/${projectId}/evaluations`, { suite_key: suiteKey, limit: 200 })).items,
  });
export const evaluationsOfRunQuery = (runId: string) => queryOptions({ queryKey: ["run", runId, "evaluations"], queryFn: () => get<Evaluation[]>(`/runs/${runId}/evaluations`) });
export const comparisonsQuery = (first: string, others: string[], metric?: string) =>
  queryOptions({ queryKey: ["comparisons", first, others, metric], queryFn: () => get<Comparisons>(`/evaluations/${first}/comparisons`, { others, metric }) });
export const itemsQuery = (id: string, filter: ItemFilter) =>
  infiniteQueryOptions({
    queryKey: ["evaluation", id, "items", filter],
    queryFn: ({ pageParam, signal }) => get<ItemPage>(`/evaluations/${id}/items`, { ...filter, cursor: pageParam, limit: 30 }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });

export const launchEvaluation = (projectId: string, body: NewEvaluation, idempotencyKey: string) =>
  post<{ runs: RunSummary[] }>(`/projects/${projectId}/evaluations`, body, { idempotencyKey });
