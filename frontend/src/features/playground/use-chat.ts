import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { answerWords, openExchange, vote as giveVote, type ChatSettings, type Exchange, type Side, type Verdict } from "@/api/playground";
import { newKey } from "@/api/http";
import { explain } from "@/api/problem";
import { toastError } from "@/ui/toasts";
import { heard, messagesOf, SILENT, turnOf, type Reply, type Turn } from "./turns";

/** A conversation with one or two models: asked, streamed, stopped, voted on. */
export function useChat(projectId: string) {
  const client = useQueryClient();
  const [turns, setTurns] = useState<Turn[]>([]);
  const [open, setOpen] = useState(0);
  const conversation = useRef(newKey());
  const aborts = useRef<AbortController[]>([]);
  const change = (exchangeId: string, with_: (turn: Turn) => Turn) => setTurns((now) => now.map((turn) => (turn.exchangeId === exchangeId ? with_(turn) : turn)));
  const reply = (exchangeId: string, side: Side, next: (reply: Reply) => Reply) =>
    change(exchangeId, (turn) => ({ ...turn, replies: { ...turn.replies, [side]: next(turn.replies[side]) } }));

  async function answer(exchangeId: string, side: Side): Promise<void> {
    const abort = new AbortController();
    aborts.current.push(abort);
    const asked = performance.now();
    try {
      for await (const word of answerWords(exchangeId, side, abort.signal)) reply(exchangeId, side, (now) => heard(now, word, (performance.now() - asked) / 1000));
    } catch (error) {
      reply(exchangeId, side, (now) => (abort.signal.aborted ? { ...now, state: "done", reason: "cancelled" } : { ...now, state: "failed", error: explain(error) }));
    }
  }

  async function ask(question: string, models: string[], system: string, settings: ChatSettings, blind: boolean, before: Turn[] = turns): Promise<void> {
    setTurns(before);
    setOpen((count) => count + 1);
    try {
      const messages = messagesOf(system, before, question);
      const exchange = await openExchange(projectId, { models, messages, settings, blind: blind && models.length === 2, conversation_id: conversation.current });
      const turn = { ...turnOf(exchange), question, replies: { a: SILENT, b: SILENT } };
      setTurns([...before, turn]);
      await Promise.all(turn.sides.map((side) => answer(exchange.id, side)));
      await Promise.all([["exchanges", projectId], ["servings", projectId]].map((queryKey) => client.invalidateQueries({ queryKey })));
    } catch (error) {
      toastError(error);
    } finally {
      setOpen((count) => count - 1);
      aborts.current = [];
    }
  }

  function stop(): void {
    for (const abort of aborts.current) abort.abort();
  }

  async function vote(turn: Turn, verdict: Verdict): Promise<void> {
    try {
      const voted = await giveVote(turn.exchangeId, verdict);
      change(turn.exchangeId, (now) => ({ ...now, verdict, names: { a: voted.sides.a?.name ?? "", b: voted.sides.b?.name ?? "" } }));
      await client.invalidateQueries({ queryKey: ["votes", projectId] });
    } catch (error) {
      toastError(error);
    }
  }

  function show(id: string, exchanges: Exchange[]): void {
    stop();
    conversation.current = id;
    setTurns(exchanges.map(turnOf));
  }

  /** Goes back to before a turn. */
  const cut = (place: number) => setTurns((now) => now.slice(0, place));

  return { turns, cut, busy: open > 0, ask, stop, vote, show, fresh: () => show(newKey(), []) };
}
