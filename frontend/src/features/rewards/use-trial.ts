import { useDebouncedValue } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { cancelJob, hasEnded } from "@/api/jobs";
import { trialQuery, tryReward } from "@/api/rewards";
import type { RewardPipeline, Trial, TrialSource } from "@/api/shapes";
import { lean } from "./pipeline-text";

/** `fresh` false: an edit is newer than what is shown. `error`: the request was refused, or the worker could not do it. */
export interface Tried { trial: Trial | null; busy: boolean; fresh: boolean; error: unknown; retry: () => void; cancel: () => void }

const PAUSE_MS = 700;

/** Tries the reward on the source at every pause; an unfinished trial that an edit has overtaken is cancelled. */
export function useTrial(projectId: string, pipeline: RewardPipeline | null, source: TrialSource | null): Tried {
  const client = useQueryClient();
  const now = pipeline && source ? JSON.stringify({ pipeline: lean(pipeline), source }) : "";
  const [asked] = useDebouncedValue(now, PAUSE_MS);
  const request = useQuery({
    queryKey: ["ask-trial", projectId, asked],
    queryFn: () => tryReward(projectId, JSON.parse(asked) as { pipeline: RewardPipeline; source: TrialSource }),
    enabled: asked !== "", staleTime: Infinity, retry: false,
  });
  const id = request.data?.id ?? "";
  const poll = useQuery({ ...trialQuery(id), enabled: id !== "", placeholderData: (earlier) => earlier });
  const mine = poll.data?.id === id ? poll.data : null;
  const unfinished = mine?.job && !hasEnded(mine.job) ? mine.job.id : null;
  const running = useRef<string | null>(null);
  useEffect(() => {
    running.current = unfinished;
  });
  // Another question, or none: nobody waits for the answer to this one.
  useEffect(() => () => {
    if (running.current) void cancelJob(running.current).catch(() => undefined);
  }, [id]);
  const shown = mine?.report ? mine : (poll.data ?? null);
  const failed = mine?.job?.state === "failed" ? new Error([mine.job.error?.message, mine.job.error?.remedy].filter(Boolean).join(" ")) : null;
  const cancelled = mine?.job?.state === "cancelled" ? new Error("The trial was cancelled.") : null;
  const error = asked === now ? (request.error ?? failed ?? cancelled) : null;
  return {
    trial: shown?.report ? shown : null, busy: now !== "" && !error && (asked !== now || request.isFetching || mine?.job === undefined || !hasEnded(mine.job ?? { state: "queued" })),
    fresh: asked === now && mine?.report !== null && mine !== null, error,
    retry: () => {
      void client.removeQueries({ queryKey: ["ask-trial", projectId, asked] });
      void request.refetch();
    },
    cancel: () => {
      if (unfinished) void cancelJob(unfinished).then(() => poll.refetch());
    },
  };
}
