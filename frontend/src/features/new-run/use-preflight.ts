import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { hasEnded, jobQuery } from "@/api/jobs";
import { askPreflight } from "@/api/runs";
import type { Job, PreflightReport, RunDraft } from "@/api/shapes";
import { checkedPart } from "./readiness";

export interface Preflight {
  /** `idle`: not enough chosen. `checking`: asked, or an edit is newer than the answer. */
  state: "idle" | "checking" | "done" | "failed"; report: PreflightReport | null; job: Job<PreflightReport> | null; error: unknown; retry: () => void;
}

const PAUSE_MS = 600;

/** Has a worker check the draft 600 ms after the last edit; the last report stays, dimmed, while a newer one is made. */
export function usePreflight(projectId: string, draft: RunDraft, complete: boolean): Preflight {
  const now = JSON.stringify(checkedPart(draft));
  const [asked] = useDebouncedValue(now, PAUSE_MS);
  const fresh = asked === now;
  const request = useQuery({
    queryKey: ["preflight", projectId, asked],
    queryFn: () => askPreflight(projectId, JSON.parse(asked) as RunDraft),
    enabled: complete && fresh,
    staleTime: Infinity,
    retry: false,
    placeholderData: (earlier) => earlier,
  });
  const jobId = request.data?.id ?? "";
  const poll = useQuery({ ...jobQuery<PreflightReport>(jobId), enabled: jobId !== "" && !hasEnded(request.data ?? { state: "queued" }), placeholderData: (earlier) => earlier });
  const polled = poll.data?.id === jobId ? poll.data : null;
  const job = polled ?? request.data ?? null;
  const report = job?.result ?? (poll.data?.result as PreflightReport | null | undefined) ?? null;
  const retry = () => void request.refetch();
  if (!complete) return { state: "idle", report: null, job: null, error: null, retry };
  if (request.error && fresh) return { state: "failed", report, job, error: request.error, retry };
  if (!fresh || request.isPlaceholderData || !job || !hasEnded(job)) return { state: "checking", report, job, error: null, retry };
  if (job.state === "succeeded" && job.result) return { state: "done", report: job.result, job, error: null, retry };
  return { state: "failed", report, job, error: new Error(job.error ? `${job.error.message} ${job.error.remedy}`.trim() : "The check was cancelled."), retry };
}
