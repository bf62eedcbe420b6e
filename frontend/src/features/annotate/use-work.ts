import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { handOut, submitJudgment, undoJudgment, type Judged } from "@/api/annotation";
import { newKey } from "@/api/http";
import { Problem } from "@/api/problem";
import type { Campaign, PairTask, Verdict, WorkProgress } from "@/api/shapes";
import { toast, toastError } from "@/ui/toasts";
import { EMPTY_HAND, handed, judged, takenBack } from "./hand";
import { Outbox, type OutboxState, type Submission } from "./outbox";
import { browserStore } from "./outbox-store";

/** So many pairs are held, the one on the screen included. */
const IN_HAND = 5;
/** With nothing in hand the server is asked again this often: others may give pairs back. */
const ASK_AGAIN_MS = 4000;

export interface Remark { comment: string; flagged: boolean }
const NO_REMARK: Remark = { comment: "", flagged: false };

export interface Work {
  task: PairTask | undefined;
  progress: WorkProgress | null;
  outbox: OutboxState;
  remark: Remark;
  /** Why there is nothing to judge yet, when the server could not be asked. */
  error: unknown;
  /** The server has said that nothing waits for this person. */
  nothingLeft: boolean;
  /** What was done last, for those who do not see the screen change. */
  said: string;
  setRemark: (change: Partial<Remark>) => void;
  judge: (verdict: Verdict, words: string) => void;
  undo: () => void;
  dismiss: (clientId: string) => void;
  retry: () => void;
}

/** The work on one campaign: pairs in hand, judgments on their way, the last one within reach. */
export function useWork(campaign: Campaign, userId: string): Work {
  const client = useQueryClient();
  const [hand, setHand] = useState(EMPTY_HAND);
  const [progress, setProgress] = useState<WorkProgress | null>(null);
  const [remark, setRemarkWhole] = useState(NO_REMARK);
  const [error, setError] = useState<unknown>(null);
  const [asked, setAsked] = useState(false);
  const [said, setSaid] = useState("");
  const past = useRef<{ submission: Submission; task: PairTask }[]>([]);
  const shownAt = useRef(0);
  const undoing = useRef(false);

  const take = useCallback((given: { tasks: PairTask[]; progress: WorkProgress }) => {
    setHand((old) => (given.progress.state === "finished" ? { ...old, tasks: [] } : handed(old, given.tasks)));
    setProgress(given.progress);
    setAsked(true);
    setError(null);
  }, []);
  const ask = useCallback(() => handOut(campaign.id, IN_HAND).then(take, setError), [campaign.id, take]);
  const outbox = useMemo(() => {
    const send = ({ campaign_id, task_id, client_id, verdict, version, comment, flagged, seconds }: Submission): Promise<Judged> =>
      submitJudgment(campaign_id, { task_id, client_id, verdict, version, comment, flagged, seconds, want: IN_HAND });
    return new Outbox({ campaignId: campaign.id, userId }, browserStore(), send, take);
  }, [campaign.id, userId, take]);
  const state = useSyncExternalStore(outbox.subscribe, outbox.snapshot);

  useEffect(() => {
    void outbox.load().then(ask);
    const back = (): void => void outbox.flush().then(ask);
    window.addEventListener("online", back);
    return () => {
      window.removeEventListener("online", back);
      outbox.stop();
    };
  }, [outbox, ask]);

  const refused = state.refused.length;
  useEffect(() => {
    if (refused > 0) void ask(); // what was refused says that the world has changed: holds lost, or the campaign ended
  }, [refused, ask]);

  const task = hand.tasks[0];
  const id = task?.id;
  useEffect(() => {
    shownAt.current = performance.now();
  }, [id]);
  const idle = task === undefined && state.waiting.length === 0 && progress?.state !== "finished";
  useEffect(() => {
    if (!idle) return undefined;
    const timer = window.setInterval(() => void ask(), ASK_AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [idle, ask]);

  const judge = (verdict: Verdict, words: string): void => {
    if (!task) return;
    const seconds = Math.min(86_400, Math.round((performance.now() - shownAt.current) / 100) / 10);
    const submission: Submission = {
      client_id: newKey(), campaign_id: campaign.id, user_id: userId, task_id: task.id, verdict, version: task.version, ...remark, seconds, at: Date.now(),
    };
    past.current.push({ submission, task });
    setHand(judged);
    setRemarkWhole(NO_REMARK);
    setSaid(`Pair ${task.number}: ${words}.`);
    void outbox.add(submission).catch(toastError);
  };

  const back = (to: PairTask, was: Remark): void => {
    setHand((old) => takenBack(old, to));
    setRemarkWhole({ comment: was.comment, flagged: was.flagged });
    setSaid(`Taken back: pair ${to.number} is here again.`);
  };
  const undo = async (): Promise<void> => {
    if (undoing.current) return;
    undoing.current = true;
    const last = past.current.at(-1);
    try {
      if (last && outbox.withdraw(last.submission.client_id)) back(last.task, last.submission);
      else {
        await outbox.flush();
        const undone = await undoJudgment(campaign.id, last?.submission.client_id);
        setProgress(undone.progress);
        back(undone.task, undone.judgment);
      }
      past.current.pop();
    } catch (failure) {
      if (failure instanceof Problem && failure.status === 409) toast(failure.message);
      else toastError(failure);
    } finally {
      undoing.current = false;
    }
  };

  useEffect(() => () => void client.invalidateQueries({ queryKey: ["campaigns", campaign.project_id] }), [client, campaign.project_id]);
  return {
    task, progress, outbox: state, remark, said, error: task ? null : error, nothingLeft: asked && task === undefined,
    setRemark: (change) => setRemarkWhole((old) => ({ ...old, ...change })),
    judge,
    undo: () => void undo(),
    dismiss: (clientId) => void outbox.dismiss(clientId),
    retry: () => void ask(),
  };
}
