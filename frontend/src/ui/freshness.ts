/** How fresh a live view is, in the words every page uses. */

import { formatCount, formatDuration } from "./numbers";

export type Freshness =
  | { kind: "live"; seconds: number }
  | { kind: "catching_up"; done: number; total: number }
  | { kind: "busy"; seconds: number; doing: string }
  | { kind: "stale"; seconds: number; cause: "browser" | "worker" }
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
    case "busy":
      return { mark: "●", text: `${state.doing || "busy"}, last news ${formatDuration(Math.floor(state.seconds))} ago`, colour: "var(--ls-live)", hint: "The worker answers; the engine tells again when this part of the step is done" };
    case "stale":
      return { mark: "○", text: `${state.cause} silent ${formatDuration(Math.floor(state.seconds))}`, colour: "var(--ls-warn)", hint: state.cause === "worker" ? "The worker is silent" : "This browser hears nothing from the server" };
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
