/** Documents of the REST API, as the pages use them. Times are RFC 3339 UTC. */

export type Role = "viewer" | "annotator" | "editor" | "owner";
export interface Page<T> { items: T[]; next: string | null }
export interface Person { id: string; name: string; email?: string }
export interface SessionUser { id: string; name: string; email: string; is_admin: boolean }
export interface SessionProject { id: string; name: string; role: Role; is_demo: boolean }
export interface Session { user: SessionUser | null; projects: SessionProject[]; csrf_token: string }
export interface Project { id: string; name: string; description: string; role: Role; is_demo: boolean; created_at: string; counts?: Record<string, number> | null }
export interface Member { id: string; user: { id: string; name: string; email: string }; role: Role; created_at: string; invite_link?: string | null }
export type Scope = "read" | "write" | "admin";
export interface Token {
  id: string; name: string; prefix: string; scopes: Scope[]; project_id: string | null;
  created_at: string; expires_at: string | null; last_used_at: string | null; secret?: string | null;
}
export interface AuditEntry { id: string; time: string; actor: Person | string | null; action: string; subject_id: string; detail: Record<string, unknown> }

export interface Fault { line: number | null; column: string | number | null; field: string | null; message: string }
export type JobState = "queued" | "running" | "succeeded" | "failed" | "cancelled";
export interface JobError { code: string; message: string; remedy: string; faults?: Fault[] }
export interface Job<R = unknown> {
  id: string; kind: string; state: JobState; progress: number | null; doing: string; eta_seconds: number | null; result: R | null;
  error: JobError | null; created_at: string; started_at: string | null; finished_at: string | null; project_id: string; subject_id: string;
}

export type RecordKind =
  | "text" | "demonstration" | "conversation" | "prompt" | "prompt_answer" | "preference" | "ranking" | "unpaired" | "stepwise";
export interface Mapping { kind: RecordKind; shape: string; columns: Record<string, string>; options: Record<string, unknown>; label: string }
export interface Inspection {
  format: string; compression: string; columns: { name: string; type: string; examples: unknown[] }[]; rows_sampled: number;
  detected: Mapping | null; candidates: Mapping[]; faults: Fault[]; preview: Record<string, unknown>[];
}
export interface Upload {
  id: string; filename: string; size_bytes: number; offset: number; chunk_bytes: number; state: "receiving" | "received" | "inspected" | "refused";
  sha256: string | null; inspection: Inspection | null; job_id: string | null; error: JobError | null;
}
export interface SplitInfo { name: string; rows: number; size_bytes: number; sha256: string }
export interface DatasetVersion {
  id: string; dataset_id: string; number: number; state: "ingesting" | "ready" | "refused" | "cancelled"; kind: RecordKind | null;
  mapping: Mapping | null; splits: SplitInfo[]; rows: number | null; content_hash: string; source: Record<string, unknown>;
  report: { rows_read: number; rows_kept: number; faults: Fault[]; warnings: { code: string; message: string; count: number; rows: number[] }[] } | null;
  job_id: string | null; created_at: string;
}
export interface Dataset {
  id: string; name: string; description: string; project_id: string; kind: RecordKind | null; latest: DatasetVersion | null;
  created_at: string; deleted_at: string | null;
}
export interface Model {
  id: string; name: string; project_id: string; state: "inspecting" | "ready" | "refused"; source: "path" | "hub" | "demo" | "run";
  path: string; hub_name: string | null; architecture: string | null; parameters: number | null; context_length: number | null;
  vocab_size: number | null; size_bytes: number | null; dtype: string | null; weights_hash: string | null;
  tokenizer: { kind: string; has_chat_template: boolean; pad_token: string | null; eos_token: string | null } | null;
  error: JobError | null; run_id: string | null; step: number | null; created_at: string; job_id: string | null;
}

export interface JsonSchema {
  type?: string | string[]; title?: string; description?: string; default?: unknown; enum?: unknown[]; const?: unknown;
  minimum?: number; maximum?: number; exclusiveMinimum?: number; exclusiveMaximum?: number; multipleOf?: number;
  minLength?: number; maxLength?: number; pattern?: string; properties?: Record<string, JsonSchema>; required?: string[];
  items?: JsonSchema; anyOf?: JsonSchema[]; oneOf?: JsonSchema[]; allOf?: JsonSchema[]; $ref?: string; $defs?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema; if?: JsonSchema; then?: JsonSchema; else?: JsonSchema;
  "x-group"?: "basic" | "advanced"; "x-unit"?: string; "x-live"?: boolean; "x-order"?: number;
}
export interface Paper { title: string; authors: string; year: number; link: string }
export interface DataNeed { role: string; kinds: RecordKind[]; required: boolean; help: string }
export interface MethodCard {
  slug: string; title: string; family: string; papers: Paper[]; summary: string; formula: string; confidence: string; left_out: string;
  data: DataNeed[]; models: { role: string; required: boolean; help: string }[]; needs_reward: boolean; config_schema: JsonSchema;
  live_fields: string[]; presets: { name: string; title: string; description: string; config: Record<string, unknown> }[];
  metrics: { name: string; title: string; panel: string; unit: string; better: "up" | "down" | "none"; help: string }[];
}
export interface RewardTermCard { kind: string; title: string; summary: string; params_schema: JsonSchema; columns: string[]; range: string }
export interface Algorithms { methods: MethodCard[]; reward_terms: RewardTermCard[]; hash: string; workers_missing: string[] }
export interface AlgorithmConfig {
  id: string; name: string; method: string; config: Record<string, unknown>; reward: RewardPipeline | null; description: string; created_at: string;
}
export interface RewardTerm { name: string; kind: string; weight: number; params: Record<string, unknown> }
export interface RewardPipeline { terms: RewardTerm[]; aggregate: "weighted_sum" | "product" | "min"; on_nan: "refuse" | "drop" | "zero" }

export interface Fix { label: string; set: Record<string, unknown> }
export interface Finding { level: "ok" | "warning" | "error"; code: string; field: string; message: string; fix: Fix | null }
export interface MemoryEstimate {
  weights: number; gradients: number; optimizer: number; activations: number; rollouts: number; total: number; available: number | null;
}
export interface PreflightReport {
  ready: boolean; findings: Finding[]; memory: MemoryEstimate | null; step_seconds: number | null; total_seconds: number | null;
  steps: number | null; parameters: number | null;
}

export interface DatasetChoice { version_id: string; split: string; limit?: number | null }
export interface Resources { gpus: number; precision: "float32" | "bfloat16"; threads?: number | null }
export interface Limits { max_steps?: number | null; max_tokens?: number | null; max_wall_seconds?: number | null; max_kl?: number | null }
export interface RunDraft {
  name?: string; method: string; config: Record<string, unknown>; models: Record<string, string>; datasets: Record<string, DatasetChoice>;
  reward: RewardPipeline | null; resources: Resources; limits: Limits; seed: number; tags: string[]; notes: string; priority: number;
  cloned_from?: string | null; config_id?: string | null;
}
export type RunState = "draft" | "queued" | "starting" | "running" | "paused" | "succeeded" | "failed" | "cancelled";
export interface RunFailure { code: string; message: string; remedy: string; step: number | null }
export interface RunSummary {
  id: string; project_id: string; name: string; state: RunState; desired: string; method: string; kind: string; step: number; total: number | null;
  eta_seconds: number | null; doing: string; waiting_for: string; colour: number; tags: string[]; attempt: number; created_at: string;
  started_at: string | null; finished_at: string | null; created_by: { id: string; name: string } | null; metrics: Record<string, number | null>;
  failure: RunFailure | null; last_event_at: string | null; heartbeat_at: string | null;
}
export interface Attempt { number: number; owner: string; state: string; started_at: string; ended_at: string | null; exit: number | null; cause: string }
export interface Run extends RunSummary {
  spec: Record<string, unknown>; draft: RunDraft; notes: string; priority: number; seed: number; provenance: Record<string, unknown>;
  attempts: Attempt[]; models: unknown; datasets: unknown; live: Record<string, number | null>; cursor: number; epoch: string; deleted_at?: string | null;
}
export interface Worker {
  id: string; host: string; pid: number; online: boolean; last_seen: string; slots: number; gpus: { name?: string; memory_total?: number }[];
  cpu: unknown; memory: unknown; catalogue_hash: string; running: string[]; queues: string[];
}
export interface MetricInfo { name: string; points: number; last: number | null; min: number | null; max: number | null; last_step: number }
export interface SeriesColumns {
  step: number[]; time: number[]; tokens: number[]; value: (number | null)[]; low?: (number | null)[]; high?: (number | null)[];
  total: number; exact: boolean;
}
export interface SeriesAnswer { cursor: number; epoch: string; series: Record<string, SeriesColumns> }
