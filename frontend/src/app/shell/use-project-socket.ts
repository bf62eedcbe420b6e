import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Job, RunSummary } from "@/api/shapes";
import { mergeRun, type RunPages } from "./merge-run";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
const SILENCE_MS = 20_000;

type Message = { type: "hello" } | { type: "beat" } | { type: "run"; run: RunSummary } | { type: "job"; job: Job };

/** One socket for the project: runs and jobs that change reach every list on the page. */
export function useProjectSocket(projectId: string | null): void {
  const client = useQueryClient();
  useEffect(() => (projectId ? listen(projectId, client) : undefined), [projectId, client]);
}

function listen(projectId: string, client: QueryClient): () => void {
  let socket: WebSocket | null = null;
  let timer = 0;
  let retry = FIRST_RETRY_MS;
  let closed = false;
  const open = () => {
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/projects/${projectId}`);
    socket.onmessage = (event: MessageEvent<string>) => {
      watchSilence();
      const message = JSON.parse(event.data) as Message;
      if (message.type === "hello") {
        retry = FIRST_RETRY_MS;
        void client.invalidateQueries({ queryKey: ["runs", projectId] });
      } else apply(message, projectId, client);
    };
    socket.onclose = (event) => {
      window.clearTimeout(timer);
      if (closed || event.code === 4401 || event.code === 4404) return;
      timer = window.setTimeout(open, retry);
      retry = Math.min(retry * 2, LONGEST_RETRY_MS);
    };
  };
  const watchSilence = () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => socket?.close(), SILENCE_MS);
  };
  open();
  return () => {
    closed = true;
    window.clearTimeout(timer);
    socket?.close();
  };
}

function apply(message: Message, projectId: string, client: QueryClient): void {
  if (message.type === "job") client.setQueryData(["job", message.job.id], message.job);
  if (message.type !== "run") return;
  let known = false;
  client.setQueriesData<RunPages>({ queryKey: ["runs", projectId] }, (pages) => {
    const merged = mergeRun(pages, message.run);
    known ||= merged !== pages;
    return merged;
  });
  if (!known) client.setQueryData<string[]>(["new-runs", projectId], (ids = []) => (ids.includes(message.run.id) ? ids : [...ids, message.run.id]));
}
