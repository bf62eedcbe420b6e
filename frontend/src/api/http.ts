/** Every request of the browser goes through `request`: CSRF header, idempotency key, typed problems. */

import type { ApiPath } from "./paths";
import { Problem, problemFrom } from "./problem";

export type Query = Record<string, string | number | boolean | string[] | null | undefined>;
interface Options { query?: Query; body?: unknown; raw?: Blob; headers?: Record<string, string>; idempotencyKey?: string | null; signal?: AbortSignal }

let csrfToken = "";
let onSignedOut: () => void = () => undefined;

/** The session's CSRF token, sent with every write. */
export function setCsrfToken(token: string): void {
  csrfToken = token;
}

/** Called when an answer says that nobody is signed in any more. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

export const get = <T>(path: ApiPath<"get">, query?: Query, signal?: AbortSignal) => request<T>("GET", path, { query, signal });
export const post = <T>(path: ApiPath<"post">, body?: unknown, options: Options = {}) => request<T>("POST", path, { ...options, body });
export const patch = <T>(path: ApiPath<"patch">, body?: unknown) => request<T>("PATCH", path, { body });
export const remove = (path: ApiPath<"delete">) => request<undefined>("DELETE", path);

/** Asks the API. `path` is below /api/v1. Raises Problem for every answer that is no success, and when no answer comes. */
export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const answer = await send(method, path, options);
  const body: unknown = answer.status === 204 ? undefined : await bodyOf(answer);
  if (answer.ok) return body as T;
  throw refusal(path, answer, body);
}

/** A POST answered by server-sent events: gives each one's data as it comes. Raises Problem as `request` does. */
export async function* stream<T>(path: ApiPath<"post">, body: unknown, signal: AbortSignal): AsyncGenerator<T> {
  const answer = await send("POST", path, { body, signal, headers: { accept: "text/event-stream" }, idempotencyKey: null });
  if (!answer.ok || !answer.body) throw refusal(path, answer, await bodyOf(answer));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) yield JSON.parse(event.replace(/^data: /, "")) as T;
  }
}

function refusal(path: string, answer: Response, body: unknown): Problem {
  if (answer.status === 401 && path !== "/session") onSignedOut();
  return problemFrom(answer.status, body, answer.headers.get("x-request-id"));
}

async function send(method: string, path: string, options: Options): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json", ...options.headers };
  if (options.body !== undefined) headers["content-type"] = "application/json";
  if (method !== "GET") headers["x-csrftoken"] = csrfToken;
  // Null sends none: a stream cannot be answered again.
  if (method === "POST" && options.idempotencyKey !== null) headers["idempotency-key"] = options.idempotencyKey ?? newKey();
  const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  try {
    return await fetch(`/api/v1${path}${queryString(options.query)}`, { method, headers, body, signal: options.signal, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem({ status: 0, code: "offline", detail: "The server does not answer. Check the connection, then retry." });
  }
}

/** One key per press: a repeat of the same request is answered once. randomUUID exists only on secure origins. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** ?a=1&b=x,y without the empty ones. */
export function queryString(query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) continue;
    params.set(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  const text = params.toString();
  return text ? `?${text}` : "";
}

async function bodyOf(answer: Response): Promise<unknown> {
  const type = answer.headers.get("content-type") ?? "";
  return type.includes("json") ? answer.json().catch(() => undefined) : answer.text();
}
