import { Button, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { modelsQuery } from "@/api/models";
import { explain, Problem } from "@/api/problem";
import { readGrader as askForTerms } from "@/api/rewards";
import type { RewardPipeline } from "@/api/shapes";
import { LoadingState } from "@/ui/loading-state";
import { asksModel, EXAMPLE, graderFaults, type GraderFault, readGrader } from "./grader-text";
import classes from "./rewards.module.css";

const CodeEditor = lazy(() => import("@/ui/code-editor"));
const ENDPOINT = "endpoint";

interface Props { projectId: string; replaces: boolean; disabled: boolean; onTerms: (pipeline: RewardPipeline) => void }

/** A grader in OpenAI's grammar, pasted; what it says becomes terms, or each fault is told by its field. */
export function GraderImport({ projectId, replaces, disabled, onTerms }: Props) {
  const [text, setText] = useState("");
  const [judge, setJudge] = useState<string | null>(null);
  const [address, setAddress] = useState("https://api.openai.com/v1");
  const [key, setKey] = useState("");
  const read = useMutation({
    mutationFn: (grader: Record<string, unknown>) => askForTerms(projectId, { grader, judge: judge === null || !asksModel(grader) ? null : judge === ENDPOINT ? { model_id: "", base_url: address.trim(), api_key: key.trim() } : { model_id: judge, base_url: "", api_key: "" } }),
    onSuccess: onTerms,
  });
  const { grader, fault } = readGrader(text);
  const faults = text.trim() === "" ? [] : fault ? [fault] : read.error instanceof Problem ? graderFaults(text, read.error.errors) : [];
  const type = (next: string): void => {
    setText(next);
    read.reset();
  };
  return (
    <Stack gap={8}>
      <Text c="dimmed">A grader in OpenAI’s grammar: string_check, text_similarity, score_model, python, or multi of them. It becomes terms that score the same.</Text>
      <div className={classes.code}>
        <Suspense fallback={<LoadingState rows={6} />}><CodeEditor label="Grader as JSON" value={text} faults={faults} readOnly={disabled} onChange={type} /></Suspense>
      </div>
      {asksModel(grader) ? <JudgeChoice projectId={projectId} judge={judge} address={address} keyName={key} onJudge={setJudge} onAddress={setAddress} onKey={setKey} /> : null}
      {faults.length > 0 ? <Faults faults={faults} /> : read.error ? <Text c="var(--ls-bad)" role="alert">{explain(read.error)}</Text> : null}
      <Group gap={8}>
        <Button disabled={disabled || grader === null} loading={read.isPending} onClick={() => grader && read.mutate(grader)}>{replaces ? "Replace the terms" : "Make terms of it"}</Button>
        {text.trim() === "" ? <Button variant="subtle" disabled={disabled} onClick={() => type(EXAMPLE)}>Start from an example</Button> : null}
      </Group>
    </Stack>
  );
}

function Faults({ faults }: { faults: GraderFault[] }) {
  return (
    <ul role="alert" className={classes.faults}>
      {faults.map((fault) => <li key={`${fault.field} ${fault.message}`}>{fault.field ? <code>{fault.field}</code> : null}{fault.field ? ", line " : "Line "}{fault.line}: {fault.message}</li>)}
    </ul>
  );
}

interface JudgeProps { projectId: string; judge: string | null; address: string; keyName: string; onJudge: (judge: string | null) => void; onAddress: (address: string) => void; onKey: (key: string) => void }

/** Who is asked for the model that score_model names. */
function JudgeChoice({ projectId, judge, address, keyName, onJudge, onAddress, onKey }: JudgeProps) {
  const models = (useQuery(modelsQuery(projectId)).data ?? []).filter((model) => model.kind === "causal" && model.state === "ready");
  return (
    <Group gap={8} align="flex-end">
      <Select label="Who grades" w={260} value={judge} placeholder="A model, or an endpoint" onChange={onJudge} data={[{ value: ENDPOINT, label: "An endpoint, by the model’s name" }, { group: "Models of the library", items: models.map((model) => ({ value: model.id, label: model.name })) }]} />
      {judge === ENDPOINT ? <TextInput label="Address" flex={1} miw={220} value={address} onChange={(event) => onAddress(event.currentTarget.value)} /> : null}
      {judge === ENDPOINT ? <TextInput label="Key" w={180} placeholder="name of a variable" value={keyName} onChange={(event) => onKey(event.currentTarget.value)} /> : null}
    </Group>
  );
}
