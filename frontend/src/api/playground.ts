import { queryOptions } from "@tanstack/react-query";
import { get, post, remove, stream } from "./http";
import type { components } from "./schema";
import type { Page } from "./shapes";

type S = components["schemas"];
export type Serving = S["ServingOut"];
export type Exchange = S["ExchangeOut"];
export type ChatSettings = S["ChatSettings"];
export type Verdict = S["VoteIn"]["verdict"];
export type Side = "a" | "b";
export interface ChatMessage { role: "system" | "user" | "assistant"; content: string }

/** A word of the engine; see the contract of chats. */
export type Word =
  | { type: "begun"; request_id: string; prompt_tokens: number }
  | { type: "token"; request_id: string; text: string; logprob?: number }
  | { type: "done"; request_id: string; text: string; finish_reason: string; completion_tokens: number }
  | { type: "refused"; request_id: string; code: string; message: string; remedy: string };

export const servingsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["servings", projectId],
    queryFn: () => get<Serving[]>(`/projects/${projectId}/servings`),
    refetchInterval: (query) => (query.state.data?.some((one) => !one.ready) ? 1000 : 10_000),
  });
export const startServing = (projectId: string, modelId: string) => post<Serving>(`/projects/${projectId}/servings`, { model_id: modelId });

export const exchangesQuery = (projectId: string) =>
  queryOptions({ queryKey: ["exchanges", projectId], queryFn: async () => (await get<Page<Exchange>>(`/projects/${projectId}/exchanges`, { limit: 100 })).items });
export const openExchange = (projectId: string, body: { models: string[]; messages: ChatMessage[]; settings: ChatSettings; blind: boolean; conversation_id: string }) =>
  post<Exchange>(`/projects/${projectId}/exchanges`, body);
export const answerWords = (exchangeId: string, side: Side, signal: AbortSignal) =>
  stream<Word>(`/exchanges/${exchangeId}/answers`, { side, logprobs: true }, signal);
export const vote = (exchangeId: string, verdict: Verdict) => post<Exchange>(`/exchanges/${exchangeId}/vote`, { verdict });
export const forgetConversation = (projectId: string, conversationId: string) => remove(`/projects/${projectId}/conversations/${conversationId}`);

export const votesQuery = (projectId: string) =>
  queryOptions({ queryKey: ["votes", projectId], queryFn: () => get<S["VotesOut"]>(`/projects/${projectId}/votes`) });
export const collectVotes = (projectId: string) => post<S["CollectOut"]>(`/projects/${projectId}/votes/collect`, {});
