/** RFC 9457 problem documents as a typed error. */

export interface FieldError { field: string; message: string }

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly errors: FieldError[];
  readonly requestId: string | null;

  constructor(init: { status: number; code?: string; title?: string; detail?: string; errors?: FieldError[]; request_id?: string | null }) {
    super(init.detail || init.title || `The server answered ${init.status}.`);
    this.name = "Problem";
    this.status = init.status;
    this.code = init.code ?? "unknown";
    this.title = init.title ?? "";
    this.errors = init.errors ?? [];
    this.requestId = init.request_id ?? null;
  }
}

/** The problem a failed answer carries; one is made up when the body is no problem document. */
export function problemFrom(status: number, body: unknown, requestId: string | null = null): Problem {
  const known = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  return new Problem({
    status,
    code: text(known.code) ?? `http_${status}`,
    title: text(known.title) ?? undefined,
    detail: text(known.detail) ?? fallbackDetail(status),
    errors: Array.isArray(known.errors) ? known.errors.filter(isFieldError) : [],
    request_id: text(known.request_id) ?? requestId,
  });
}

/** What to tell a person about any error. */
export function explain(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (error instanceof TypeError) return "The server does not answer. Check the connection, then retry.";
  return error instanceof Error ? error.message : String(error);
}

function fallbackDetail(status: number): string {
  if (status === 0) return "The server does not answer. Check the connection, then retry.";
  if (status === 401) return "Signed out. Sign in again to go on.";
  if (status === 404) return "Not found, or not yours to see.";
  if (status >= 500) return `The server failed (${status}). Retry; if it fails again, look into its log.`;
  return `The server answered ${status}.`;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function isFieldError(value: unknown): value is FieldError {
  return typeof value === "object" && value !== null && "field" in value && "message" in value;
}
