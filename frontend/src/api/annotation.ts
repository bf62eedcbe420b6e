import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, patch, post, remove } from "./http";
import type {
  Campaign, CampaignExport, CampaignOverview, CampaignProgress, CampaignSource, ExportCounts, ExportShape, Judgment, Pair, PairTask, Page, ReviewedPair, Verdict, WorkProgress,
} from "./shapes";

/** A live page asks again this often. */
const LIVE_MS = 3000;

export interface NewCampaign {
  name: string; question: string; guidelines: string; source: CampaignSource; limit: number; overlap: number; allow_tie: boolean; allow_both_bad: boolean;
}
export interface HandOut { tasks: PairTask[]; progress: WorkProgress }
export interface Judged extends HandOut { judgment: Judgment }
export interface Undone { judgment: Judgment; task: PairTask; progress: WorkProgress }
/** One verdict on its way; `client_id` makes a repeat of it the same judgment. */
export interface NewJudgment {
  task_id: string; client_id: string; verdict: Verdict; version: number; comment: string; flagged: boolean; seconds: number; want: number;
}
export interface PreviewedPairs { pairs: Pair[]; left_out: Record<string, number> }

export const campaignsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["campaigns", projectId],
    queryFn: async () => (await get<Page<Campaign>>(`/projects/${projectId}/campaigns`, { limit: 200 })).items,
    refetchInterval: 10_000,
  });
export const campaignQuery = (id: string) => queryOptions({ queryKey: ["campaign", id], queryFn: () => get<Campaign>(`/campaigns/${id}`) });
export const progressQuery = (id: string) =>
  queryOptions({ queryKey: ["campaign", id, "progress"], queryFn: () => get<CampaignProgress>(`/campaigns/${id}/progress`) });
export const overviewQuery = (id: string) =>
  queryOptions({ queryKey: ["campaign", id, "overview"], queryFn: () => get<CampaignOverview>(`/campaigns/${id}/overview`), refetchInterval: LIVE_MS });
export const reviewQuery = (id: string, what: "conflicts" | "flagged") =>
  infiniteQueryOptions({
    queryKey: ["campaign", id, "review", what],
    queryFn: ({ pageParam }) => get<Page<ReviewedPair>>(`/campaigns/${id}/review`, { what, cursor: pageParam }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
export const exportCountsQuery = (id: string, shape: ExportShape) =>
  queryOptions({ queryKey: ["campaign", id, "counts", shape], queryFn: () => get<ExportCounts>(`/campaigns/${id}/export-counts`, { shape }), refetchInterval: LIVE_MS });
export const exportsQuery = (id: string) =>
  queryOptions({
    queryKey: ["campaign", id, "exports"],
    queryFn: () => get<CampaignExport[]>(`/campaigns/${id}/exports`),
    refetchInterval: (query) => (query.state.data?.some((one) => one.state === "writing" || one.state === "ingesting") ? 700 : false),
  });

export const createCampaign = (projectId: string, body: NewCampaign, idempotencyKey: string) => post<Campaign>(`/projects/${projectId}/campaigns`, body, { idempotencyKey });
export const previewCampaign = (projectId: string, source: CampaignSource) => post<PreviewedPairs>(`/projects/${projectId}/campaign-preview`, { source });
export const editCampaign = (id: string, change: { name?: string; question?: string; guidelines?: string }) => patch<Campaign>(`/campaigns/${id}`, change);
export const deleteCampaign = (id: string) => remove(`/campaigns/${id}`);
export const restoreCampaign = (id: string) => post<Campaign>(`/campaigns/${id}/restore`);
export const finishCampaign = (id: string) => post<Campaign>(`/campaigns/${id}/finish`);
export const reopenCampaign = (id: string) => post<Campaign>(`/campaigns/${id}/reopen`);
export const exportCampaign = (id: string, shape: ExportShape) => post<CampaignExport>(`/campaigns/${id}/exports`, { shape });
export const resolvePair = (id: string, taskId: string, verdict: Verdict) => post<ReviewedPair>(`/campaigns/${id}/tasks/${taskId}/resolution`, { verdict });
export const exportFile = (exportId: string, format: "jsonl" | "parquet") => `/api/v1/campaign-exports/${exportId}/file?format=${format}`;

// A judgment carries an id of its own: no second one, the Idempotency-Key, is kept for it.
const ONCE = { idempotencyKey: "" };
export const handOut = (id: string, want: number) => post<HandOut>(`/campaigns/${id}/tasks`, { want }, ONCE);
export const submitJudgment = (id: string, body: NewJudgment) => post<Judged>(`/campaigns/${id}/judgments`, body, ONCE);
export const undoJudgment = (id: string, clientId: string | undefined) => post<Undone>(`/campaigns/${id}/undo`, { client_id: clientId ?? null }, ONCE);
