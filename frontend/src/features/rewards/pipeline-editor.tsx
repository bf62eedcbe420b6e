import { SegmentedControl } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import type { FieldError } from "@/api/problem";
import type { RewardPipeline, RewardTermCard } from "@/api/shapes";
import { LoadingState } from "@/ui/loading-state";
import { Panel } from "@/ui/panel";
import { GraderImport } from "./grader-import";
import { type ReadPipeline, readPipeline, writePipeline } from "./pipeline-text";
import { RewardComposer } from "./reward-composer";

const CodeEditor = lazy(() => import("@/ui/code-editor"));
type As = "form" | "yaml" | "json" | "grader";
const VIEWS: { value: As; label: string }[] = [{ value: "form", label: "Form" }, { value: "yaml", label: "YAML" }, { value: "json", label: "JSON" }, { value: "grader", label: "Grader" }];

interface Props { projectId: string; cards: RewardTermCard[]; value: RewardPipeline | null; errors: FieldError[]; disabled: boolean; onChange: (pipeline: RewardPipeline | null) => void }

/** The reward as a form, as YAML or as JSON: one document; or taken from a grader of OpenAI's. */
export function PipelineEditor(props: Props) {
  const [as, setAs] = useState<As>("form");
  return (
    <Panel title="Terms" actions={<SegmentedControl size="xs" aria-label="View" value={as} onChange={(value) => setAs(value as As)} data={VIEWS} />}>
      {as === "form" ? <RewardComposer {...props} /> : as === "grader" ? <GraderImport projectId={props.projectId} replaces={props.value !== null} disabled={props.disabled} onTerms={(pipeline) => { props.onChange(pipeline); setAs("form"); }} /> : <AsText key={as} as={as} {...props} />}
    </Panel>
  );
}

function AsText({ as, value, disabled, onChange }: Props & { as: "yaml" | "json" }) {
  const [text, setText] = useState(() => (value ? writePipeline(value, as) : as === "yaml" ? "terms:\n" : ""));
  const [fault, setFault] = useState<ReadPipeline["fault"]>(null);
  const type = (next: string): void => {
    setText(next);
    const read = readPipeline(next);
    setFault(read.fault);
    if (read.pipeline) onChange(read.pipeline.terms.length > 0 ? read.pipeline : null);
  };
  return (
    <Suspense fallback={<LoadingState rows={10} />}>
      <CodeEditor label={`Reward as ${as.toUpperCase()}`} value={text} faults={fault ? [fault] : []} readOnly={disabled} onChange={type} />
      {fault ? <p role="alert" style={{ color: "var(--ls-bad)", margin: "8px 0 0" }}>Line {fault.line}: {fault.message}</p> : null}
    </Suspense>
  );
}
