/** The engine's events as the socket and the API carry them: see workers/contract/events.py. */
export interface RolloutTokens {
  ids: number[];
  texts: string[];
  logprobs?: number[] | null;
  ref_logprobs?: number[] | null;
  rewards?: number[] | null;
  advantages?: number[] | null;
  values?: number[] | null;
  returns?: number[] | null;
  kl?: number[] | null;
  entropy?: number[] | null;
  ratio?: number[] | null;
  mask?: number[] | null;
}

export interface RolloutAnswer {
  text: string;
  reward: number | null;
  terms: Record<string, number | null>;
  advantage?: number | null;
  length: number;
  truncated: boolean;
  tokens?: RolloutTokens | null;
}

interface Timed {
  time: number;
}

export type RunEvent = Timed &
  (
    | { type: "status"; state: string; doing: string }
    | { type: "progress"; step: number; total: number | null; eta_seconds: number | null; tokens: number }
    | { type: "metrics"; step: number; values: Record<string, number | null>; tokens: number }
    | { type: "log"; level: LogLevel; message: string }
    | { type: "rollout"; step: number; row: number | null; prompt: string; reference_answer: string | null; answers: RolloutAnswer[] }
    | { type: "checkpoint"; step: number; path: string; size_bytes: number; reason: string; metrics: Record<string, number | null> }
    | { type: "evaluation"; step: number; suite: string; values: Record<string, number | null> }
    | { type: "change"; step: number; field: string; old: number | null; new: number | null; by: string }
    | { type: "artifact"; kind: string; path: string; size_bytes: number }
    | { type: "alert"; level: "info" | "warning" | "critical"; code: string; message: string; step: number | null }
    | { type: "done"; reason: string; detail: string; step: number; summary: Record<string, number | null> }
    | { type: "failed"; code: string; message: string; remedy: string; step: number | null }
  );

export type LogLevel = "debug" | "info" | "warning" | "error";

export interface Kept {
  cursor: number;
  attempt: number;
  event: RunEvent;
}
