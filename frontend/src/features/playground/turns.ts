/** A conversation as turns: a question, and what one or two models said to it, word by word. */

import type { ChatMessage, Exchange, Side, Verdict, Word } from "@/api/playground";

export interface Token { text: string; logprob: number | null }
export interface Reply { tokens: Token[]; state: "waiting" | "writing" | "done" | "failed"; reason: string; error: string; firstSeconds: number | null }
export interface Turn { exchangeId: string; question: string; names: Record<Side, string>; sides: Side[]; blind: boolean; replies: Record<Side, Reply>; verdict: Verdict | "" }

export const SILENT: Reply = { tokens: [], state: "waiting", reason: "", error: "", firstSeconds: null };

/** The reply after one more word; `seconds` is how long ago the question was put. */
export function heard(reply: Reply, word: Word, seconds: number): Reply {
  switch (word.type) {
    case "begun":
      return { ...reply, state: "writing" };
    case "token":
      return { ...reply, state: "writing", firstSeconds: reply.firstSeconds ?? seconds, tokens: [...reply.tokens, { text: word.text, logprob: word.logprob ?? null }] };
    case "done":
      return { ...reply, state: "done", reason: word.finish_reason, tokens: word.text ? [...reply.tokens, { text: word.text, logprob: null }] : reply.tokens };
    case "refused":
      return { ...reply, state: "failed", error: `${word.message} ${word.remedy}`.trim() };
  }
}

export const textOf = (reply: Reply): string => reply.tokens.map((token) => token.text).join("");

/** Whether the turn waits for a vote: two answers, both ended, none given yet. */
export const wantsVote = (turn: Turn): boolean => turn.sides.length === 2 && turn.verdict === "" && turn.sides.every((side) => turn.replies[side].state === "done");

/** What the models read next: every turn with its preferred answer, side a's where there is no preference. */
export function messagesOf(system: string, turns: Turn[], question: string): ChatMessage[] {
  const before = turns.flatMap((turn): ChatMessage[] => {
    const side: Side = turn.verdict === "b" ? "b" : "a";
    const said = textOf(turn.replies[side]);
    return [{ role: "user", content: turn.question }, ...(said ? [{ role: "assistant" as const, content: said }] : [])];
  });
  return [...(system ? [{ role: "system" as const, content: system }] : []), ...before, { role: "user", content: question }];
}

/** A kept exchange as a turn of the page. */
export function turnOf(exchange: Exchange): Turn {
  const sides = (["a", "b"] as const).filter((side) => exchange.sides[side] !== undefined);
  const reply = (side: Side): Reply => {
    const kept = exchange.answers[side];
    return kept ? { tokens: [{ text: kept.text, logprob: null }], state: "done", reason: kept.finish_reason, error: "", firstSeconds: kept.first_token_seconds } : SILENT;
  };
  return {
    exchangeId: exchange.id, question: exchange.messages.at(-1)?.content ?? "", sides, blind: exchange.blind, verdict: exchange.verdict,
    names: { a: exchange.sides.a?.name ?? "", b: exchange.sides.b?.name ?? "" }, replies: { a: reply("a"), b: reply("b") },
  };
}

/** Conversations, the newest first, each under its first question. */
export function conversations(exchanges: Exchange[]): { id: string; title: string; at: string; exchanges: Exchange[] }[] {
  const found = new Map<string, Exchange[]>();
  for (const exchange of exchanges) found.set(exchange.conversation_id, [exchange, ...(found.get(exchange.conversation_id) ?? [])]);
  return [...found].map(([id, items]) => ({ id, exchanges: items, at: items.at(-1)?.created_at ?? "", title: items[0]?.messages.findLast((message) => message.role === "user")?.content.slice(0, 80) ?? "" }));
}

/** How unlikely a token was, in four steps of its probability: 0 above 1/2, 3 below 1/20. */
export function surprise(logprob: number | null): 0 | 1 | 2 | 3 {
  if (logprob === null) return 0;
  const probability = Math.exp(logprob);
  return probability > 0.5 ? 0 : probability > 0.2 ? 1 : probability > 0.05 ? 2 : 3;
}

/** The question as a call of the OpenAI-shaped route. */
export function completionCurl(origin: string, model: string, messages: ChatMessage[], settings: { temperature?: number; top_p?: number; max_tokens?: number | null }): string {
  const body = JSON.stringify({ model, messages, temperature: settings.temperature, top_p: settings.top_p, max_tokens: settings.max_tokens ?? undefined, stream: true });
  return `curl -N -H "Authorization: Bearer $LODESTAR_TOKEN" -H "Content-Type: application/json" "${origin}/v1/chat/completions" -d '${body.replaceAll("'", "'\\''")}'`;
}
