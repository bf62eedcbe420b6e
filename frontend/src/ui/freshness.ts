/** How fresh a live view is, in the words every page uses. */

import { formatCount, formatDuration } from "./numbers";

export type Freshness =
  | { kind: "live"; seconds: number }
  | { kind: "catching_up"; done: number; total: number }
  | { kind: "stale"; seconds: number; cause: "browser" | "worker" | "busy"; doing?: string }
  | { kind: "connecting" }
  | { kind: "offline"; retrySeconds: number | null }
  | { kind: "refused"; why: string }
  | { kind: "ended" };

export interface FreshnessLook { mark: string; text: string; colour: string; hint: string }

export function freshnessLook(state: Freshness): FreshnessLook {
  switch (state.kind) {
    case "live":
      return { mark: "●", text: `live ${formatDuration(state.seconds)}`, colour: "var(--ls-live)", hint: "Last news from the worker" };
    case "catching_up":
      return { mark: "◐", text: `catching up ${formatCount(state.done)}/${formatCount(state.total)}`, colour: "var(--ls-live)", hint: "Missed events are being read" };
    case "stale":
      return { mark: "○", text: `stale ${formatDuration(state.seconds)}`, colour: "var(--ls-warn)", hint: staleHint(state.cause, state.doing) };
    case "connecting":
      return { mark: "◐", text: "connecting", colour: "var(--ls-muted)", hint: "The live connection is being opened" };
    case "offline":
      return { mark: "◌", text: state.retrySeconds === null ? "offline" : `offline, retry ${formatDuration(state.retrySeconds)}`, colour: "var(--ls-bad)", hint: "This browser lost the server" };
    case "refused":
      return { mark: "◌", text: state.why, colour: "var(--ls-bad)", hint: "The server refused the live connection" };
    case "ended":
      return { mark: "■", text: "ended", colour: "var(--ls-muted)", hint: "Nothing more will come" };
  }
}

function staleHint(cause: "browser" | "worker" | "busy", doing = ""): string {
  if (cause === "browser") return "This browser hears nothing from the server";
  if (cause === "worker") return "The worker is silent";
  return doing ? `The engine is busy: ${doing}` : "The engine is busy";
}
