/** Documents of the REST API as the pages use them. They come out of the generated schema; only what the API calls "any" is written here. */

import type { components } from "./schema";

type S = components["schemas"];

/** An answer of the server is always complete: what may be left out when asking is there when answered. */
type Full<T> = T extends readonly (infer U)[] ? Full<U>[] : T extends object ? { [K in keyof T]-?: Full<Exclude<T[K], undefined>> } : T;

export type Role = S["Role"];
export interface Page<T> { items: T[]; next: string | null }
export type Session = Full<S["SessionOut"]>;
export type SessionUser = NonNullable<Session["user"]>;
export type SessionProject = Session["projects"][number];
export type Project = Full<S["ProjectOut"]>;
export type Member = Full<S["MemberOut"]>;
export type Scope = S["Scope"];
export type Token = Full<S["TokenOut"]>;
export type AuditEntry = Full<S["AuditOut"]>;

export type Fault = Full<S["Fault"]>;
export type JobState = S["JobOut"]["state"];
export type JobError = Full<S["JobError"]>;
export type Job<R = unknown> = Omit<Full<S["JobOut"]>, "result"> & { result: R | null };

export type RecordKind = S["RecordKind"];
export type Mapping = Omit<Full<S["Mapping"]>, "confidence"> & { confidence?: number };
export type Inspection = Full<S["Inspection"]>;
export type Upload = Full<S["UploadOut"]>;
export type SplitInfo = Full<S["SplitFile"]>;
export type DatasetVersion = Full<S["VersionOut"]>;
export type Dataset = Full<S["DatasetOut"]>;
export type Model = Full<S["ModelOut"]>;
export type ModelKind = S["ModelKind"];

/** The value that leaves a setting to the engine, the word shown for it, and by what the engine chooses. */
export interface Auto { value: number | null; word: string; said: string }

export interface JsonSchema {
  type?: string | string[]; title?: string; description?: string; default?: unknown; enum?: unknown[]; const?: unknown;
  minimum?: number; maximum?: number; exclusiveMinimum?: number; exclusiveMaximum?: number; multipleOf?: number;
  minLength?: number; maxLength?: number; pattern?: string; properties?: Record<string, JsonSchema>; required?: string[];
  items?: JsonSchema; anyOf?: JsonSchema[]; oneOf?: JsonSchema[]; allOf?: JsonSchema[]; $ref?: string; $defs?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema; if?: JsonSchema; then?: JsonSchema; else?: JsonSchema;
  "x-group"?: "basic" | "advanced"; "x-unit"?: string; "x-live"?: boolean; "x-order"?: number; "x-section"?: string; "x-auto"?: Auto; "x-when"?: Record<string, unknown[]>; "x-format"?: string;
}
export type Paper = Full<S["Paper"]>;
export type DataNeed = Full<S["DataNeed"]>;
export type MethodCard = Omit<Full<S["MethodCard"]>, "config_schema"> & { config_schema: JsonSchema };
export type RewardTermCard = Omit<Full<S["RewardTermCard"]>, "params_schema"> & { params_schema: JsonSchema };
export type WorldCard = Omit<Full<S["WorldCard"]>, "knobs_schema"> & { knobs_schema: JsonSchema };
export interface Algorithms { methods: MethodCard[]; reward_terms: RewardTermCard[]; worlds: WorldCard[]; hash: string; workers_missing: string[] }
export type RewardTransform = Full<NonNullable<S["RewardTerm"]["transforms"]>[number]>;
export type RewardGate = Full<S["Gate"]>;
/** What a person leaves out is absent: a term without transforms, gate or model has none of the keys. */
export type RewardTerm = Pick<Full<S["RewardTerm"]>, "name" | "kind" | "weight" | "params"> & { model_id?: string; transforms?: RewardTransform[]; gate?: RewardGate | null };
export type RewardPipeline = Pick<Full<S["RewardPipeline"]>, "aggregate" | "on_nan"> & { terms: RewardTerm[]; version_id?: string };
export type AlgorithmConfig = Omit<Full<S["AlgorithmConfigOut"]>, "reward"> & { reward: RewardPipeline | null };

export interface Fix { label: string; set: Record<string, unknown> }
export interface Finding { level: "ok" | "warning" | "error"; code: string; field: string; message: string; fix: Fix | null }
export interface MemoryEstimate {
  weights: number; gradients: number; optimizer: number; activations: number; rollouts: number; total: number; available: number | null;
}
export interface PreflightReport {
  ready: boolean; findings: Finding[]; memory: MemoryEstimate | null; step_seconds: number | null; total_seconds: number | null;
  steps: number | null; parameters: number | null; trainable?: number | null;
}

export type DatasetChoice = Omit<Full<S["DraftDataset"]>, "limit"> & { limit?: number | null };
export type Resources = Omit<Full<S["Resources"]>, "threads" | "processes" | "shard"> & { threads?: number | null; processes?: number | null; shard?: boolean };
export type Limits = S["Limits"];
export type RunDraft = Omit<Full<S["RunDraft"]>, "datasets" | "resources" | "limits" | "reward" | "reward_version_id" | "cloned_from" | "config_id"> & {
  datasets: Record<string, DatasetChoice>; resources: Resources; limits: Limits; reward: RewardPipeline | null; reward_version_id?: string | null; cloned_from?: string | null; config_id?: string | null;
};
export type Interval = Full<S["Interval"]>;
export type Evaluation = Full<S["EvaluationOut"]>;
export type EvaluationDetail = Full<S["EvaluationDetail"]>;
export type EvaluationItem = Full<S["EvaluationItem"]>;
export type EvaluationBoard = Full<S["Board"]>;
export type EvaluationCell = Full<S["Cell"]>;
export type Comparison = Full<S["ComparisonOut"]>;
export type Comparisons = Full<S["Comparisons"]>;
export type ItemPage = Full<S["ItemPage"]>;
export type ComparedItem = ItemPage["items"][number];
export type RunState = S["RunSummary"]["state"];
export type RunSummary = Full<S["RunSummary"]>;
export type RunFailure = NonNullable<RunSummary["failure"]>;
export type Attempt = Full<S["AttemptOut"]>;
export type Run = Full<S["RunOut"]>;
export type Worker = Full<S["WorkerOut"]>;
export type MetricInfo = Full<S["MetricSummary"]>;
export type SeriesColumns = Omit<Full<S["Series"]>, "low" | "high"> & { low?: (number | null)[] | null; high?: (number | null)[] | null };
export interface SeriesAnswer { cursor: number; epoch: string; series: Record<string, SeriesColumns> }
export type Verdict = S["Verdict"];
export type Campaign = Full<S["CampaignOut"]>;
export type CampaignSource = S["DatasetSource"] | S["SamplesSource"] | S["RolloutsSource"];
export type PairTurn = Full<S["PairTurn"]>;
export type PairText = string | PairTurn[];
export interface Pair { prompt: PairText; a: PairText; b: PairText }
export type PairTask = Omit<Full<S["PairTaskOut"]>, keyof Pair> & Pair;
export type WorkProgress = Full<S["WorkProgress"]>;
export type Judgment = Full<S["JudgmentOut"]>;
export type CampaignProgress = Full<S["CampaignProgress"]>;
export type CampaignOverview = Full<S["CampaignOverview"]>;
export type ReviewedPair = Omit<Full<S["ConflictOut"]>, keyof Pair> & Pair;
export type CampaignExport = Full<S["CampaignExportOut"]>;
export type ExportShape = CampaignExport["shape"];
export type ExportCounts = Full<S["CampaignExportCounts"]>;

export type GraderIn = S["GraderIn"];
export type RewardVersion = Omit<Full<S["RewardVersionOut"]>, "pipeline"> & { pipeline: RewardPipeline };
export type Reward = Omit<Full<S["RewardOut"]>, "latest"> & { latest: RewardVersion };
export type TextSource = { kind: "text"; prompts: { prompt: string; reference: string | null; answers: string[] }[]; model_id?: string };
export type RowsSource = { kind: "rows"; version_id: string; split: string; offset?: number; limit: number; answers: "own" | "reference"; model_id?: string };
export type RolloutsSource = { kind: "rollouts"; run_id: string; step?: number | null; limit: number };
export type TrialSource = TextSource | RowsSource | RolloutsSource;
export type TrialDraft = { source: TrialSource } & ({ pipeline: RewardPipeline } | { reward_version_id: string });
export type Trial = Omit<Full<S["TrialOut"]>, "pipeline"> & { pipeline: RewardPipeline };
export type TrialReport = NonNullable<Trial["report"]>;
export type TermSummary = TrialReport["terms"][number];
export type ScoredPrompt = Full<S["ScoredPrompt"]>;
export type ScoredAnswer = ScoredPrompt["answers"][number];
export interface TriedPage { items: ScoredPrompt[]; total: number; next: number | null }
export type Artifact = Full<S["ArtifactOut"]>;

/** The report that a trained reward model leaves (`contract.products.RewardReport`); artifacts travel as any JSON. */
export interface RewardReport {
  version: number; split: string; held_out?: boolean | null; pairs: number; accuracy: Interval; slices: { by: string; value: string; accuracy: Interval }[];
  calibration: { low: number; high: number; n: number; predicted: number | null; observed: number | null }[]; calibration_error: number | null;
  margins: { low: number; high: number; n: number }[]; margin_mean: number | null; reward_mean: number | null; reward_std: number | null;
  length_correlation: number | null; longer_wins: number | null; longer_chosen: number | null;
  kind?: "pairs" | "rankings" | "outcome" | "process" | "regression"; measures?: { name: string; title: string; value: number | null; help: string }[];
  scores?: { low: number; high: number; n: number }[];
}

export type RecipeParam = Full<S["Param"]>;
export type StageKind = S["StageSketch"]["kind"];
export type StageSketch = Full<S["StageSketch"]>;
export type Recipe = Omit<Full<S["RecipeOut"]>, "params"> & { params: Record<string, RecipeParam> };
export type RecipeRunSummary = Full<S["RecipeRunSummary"]>;
export type RecipeState = RecipeRunSummary["state"];
export type RecipeStage = Full<S["StageOut"]>;
export type StageState = RecipeStage["state"];
export type RecipeRun = Omit<Full<S["RecipeRunOut"]>, "asked" | "stages"> & { asked: Record<string, RecipeParam>; stages: RecipeStage[] };
