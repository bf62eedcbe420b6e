import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, patch, post, remove } from "./http";
import { hasEnded } from "./jobs";
import type { Artifact, GraderIn, Page, Reward, RewardPipeline, RewardReport, RewardVersion, RunSummary, Trial, TrialDraft, TriedPage } from "./shapes";

export const rewardsQuery = (projectId: string, q = "") =>
  queryOptions({
    queryKey: ["rewards", projectId, q],
    queryFn: async () => (await get<Page<Reward>>(`/projects/${projectId}/rewards`, { q, limit: 200 })).items,
  });
export const rewardQuery = (id: string) => queryOptions({ queryKey: ["reward", id], queryFn: () => get<Reward>(`/rewards/${id}`) });
export const rewardVersionsQuery = (id: string) =>
  queryOptions({ queryKey: ["reward", id, "versions"], queryFn: async () => (await get<Page<RewardVersion>>(`/rewards/${id}/versions`, { limit: 200 })).items });
/** Runs that learn from a reward, or from one version of it. */
export const rewardRunsQuery = (projectId: string, reward: string) =>
  // Under a key of its own: what is kept under "runs" are pages, into which the project's socket writes.
  queryOptions({ queryKey: ["runs-of-reward", projectId, reward], queryFn: async () => (await get<Page<RunSummary>>(`/projects/${projectId}/runs`, { reward, limit: 20 })).items });

export interface NewReward { name: string; description?: string; pipeline: RewardPipeline; note?: string }
export const createReward = (projectId: string, body: NewReward) => post<Reward>(`/projects/${projectId}/rewards`, body);
export const addRewardVersion = (id: string, body: { pipeline: RewardPipeline; note?: string }) => post<RewardVersion>(`/rewards/${id}/versions`, body);
export const editReward = (id: string, change: { name?: string; description?: string }) => patch<Reward>(`/rewards/${id}`, change);
/** The terms that score as a grader in OpenAI's grammar does; keeps nothing. */
export const readGrader = (projectId: string, body: GraderIn) => post<RewardPipeline>(`/projects/${projectId}/rewards/from-grader`, body);
export const deleteReward = (id: string) => remove(`/rewards/${id}`);
export const restoreReward = (id: string) => post<Reward>(`/rewards/${id}/restore`);

export const tryReward = (projectId: string, draft: TrialDraft) => post<Trial>(`/projects/${projectId}/reward-trials`, draft);
/** A trial, asked again until its job has ended. */
export const trialQuery = (id: string) =>
  queryOptions({
    queryKey: ["trial", id],
    queryFn: () => get<Trial>(`/reward-trials/${id}`),
    refetchInterval: (query) => (query.state.data?.job && hasEnded(query.state.data.job) ? false : 400),
  });
export type TriedSort = "asked" | "shift";
export type TriedOnly = "" | "reordered" | "flat";
export const triedQuery = (id: string, sort: TriedSort, only: TriedOnly) =>
  infiniteQueryOptions({
    queryKey: ["trial", id, "prompts", sort, only],
    queryFn: ({ pageParam }) => get<TriedPage>(`/reward-trials/${id}/prompts`, { sort, only, offset: pageParam, limit: 50 }),
    initialPageParam: 0,
    getNextPageParam: (last) => last.next ?? undefined,
    staleTime: Infinity,
  });

export const artifactsQuery = (runId: string) => queryOptions({ queryKey: ["run", runId, "artifacts"], queryFn: () => get<Artifact[]>(`/runs/${runId}/artifacts`) });
export const rewardReportQuery = (artifactId: string) =>
  queryOptions({ queryKey: ["artifact", artifactId, "reward-report"], queryFn: () => get<RewardReport>(`/artifacts/${artifactId}/document`), staleTime: Infinity });
