import { queryOptions } from "@tanstack/react-query";
import { get, post } from "./http";
import type { Job } from "./shapes";

/** A job, asked again every 0.7 s until it has ended (the project socket tells sooner). */
export const jobQuery = <R>(jobId: string) =>
  queryOptions({
    queryKey: ["job", jobId],
    queryFn: () => get<Job<R>>(`/jobs/${jobId}`),
    refetchInterval: (query) => (query.state.data && hasEnded(query.state.data) ? false : 700),
  });

export const cancelJob = (jobId: string) => post<Job>(`/jobs/${jobId}/cancel`);

export function hasEnded(job: Pick<Job, "state">): boolean {
  return job.state === "succeeded" || job.state === "failed" || job.state === "cancelled";
}
