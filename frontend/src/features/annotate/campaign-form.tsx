import { Alert, Button, Checkbox, Group, NumberInput, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { createCampaign, previewCampaign } from "@/api/annotation";
import { newKey } from "@/api/http";
import { explain, Problem } from "@/api/problem";
import type { Campaign } from "@/api/shapes";
import { Panel } from "@/ui/panel";
import { LoadingState } from "@/ui/loading-state";
import classes from "./annotate.module.css";
import { leftOutWords } from "./left-out";
import { PairView } from "./pair-view";
import { sourceOf, type SourceDraft } from "./source-draft";
import { SourceFields } from "./source-fields";
import { VerdictBar } from "./verdict-bar";

interface Props { projectId: string; start: SourceDraft; onCreated: (campaign: Campaign) => void }

/** A new campaign beside the screen that its annotators will see, with pairs of the source as it is chosen. */
export function CampaignForm({ projectId, start, onCreated }: Props) {
  const [draft, setDraft] = useState(start);
  const [words, setWords] = useState({ name: "", question: "Which answer is better?", guidelines: "" });
  const [rules, setRules] = useState({ limit: 200, overlap: 1, allow_tie: true, allow_both_bad: true });
  const [key, setKey] = useState(newKey);
  const source = sourceOf(draft);
  const create = useMutation({
    mutationFn: () => (source ? createCampaign(projectId, { ...words, ...rules, name: words.name.trim(), source }, key) : Promise.reject(new Error("Choose a source first."))),
    onSuccess: onCreated,
    onError: () => setKey(newKey()),
  });
  const errors = create.error instanceof Problem ? Object.fromEntries(create.error.errors.map((one) => [one.field, one.message])) : {};
  const lacking = source === null ? "Choose a source first." : words.name.trim() === "" ? "Give the campaign a name first." : "";
  return (
    <div className={classes.split}>
      <Panel title="Campaign">
        <form onSubmit={(event) => { event.preventDefault(); if (lacking === "") create.mutate(); }}>
          <Stack gap={12}>
            <TextInput label="Name" required maxLength={120} value={words.name} error={errors.name} onChange={(event) => setWords({ ...words, name: event.currentTarget.value })} />
            <SourceFields projectId={projectId} value={draft} errors={errors} onChange={(change) => setDraft({ ...draft, ...change })} />
            <TextInput label="Question" required maxLength={400} value={words.question} onChange={(event) => setWords({ ...words, question: event.currentTarget.value })} />
            <Textarea label="Guidelines" description="Plain text; # headings, - lists, **strong** and `code` are laid out." autosize minRows={3} maxRows={12} maxLength={20_000} value={words.guidelines} onChange={(event) => setWords({ ...words, guidelines: event.currentTarget.value })} />
            <Group gap={12} grow>
              <NumberInput label="Pairs, at most" min={1} max={5000} allowDecimal={false} value={rules.limit} onChange={(limit) => setRules({ ...rules, limit: Number(limit) || 1 })} />
              <NumberInput label="People for each" min={1} max={20} allowDecimal={false} value={rules.overlap} onChange={(overlap) => setRules({ ...rules, overlap: Number(overlap) || 1 })} />
            </Group>
            <Checkbox label="Tie may be said" checked={rules.allow_tie} onChange={(event) => setRules({ ...rules, allow_tie: event.currentTarget.checked })} />
            <Checkbox label="Both bad may be said" checked={rules.allow_both_bad} onChange={(event) => setRules({ ...rules, allow_both_bad: event.currentTarget.checked })} />
            {create.isError ? <Alert color="var(--ls-bad)" role="alert">{explain(create.error)}</Alert> : null}
            <Group justify="flex-end"><Button type="submit" loading={create.isPending} disabled={lacking !== ""} title={lacking || undefined}>Create campaign</Button></Group>
          </Stack>
        </form>
      </Panel>
      <Preview projectId={projectId} draft={draft} question={words.question} rules={rules} />
    </div>
  );
}

function Preview({ projectId, draft, question, rules }: { projectId: string; draft: SourceDraft; question: string; rules: { allow_tie: boolean; allow_both_bad: boolean } }) {
  const [settled] = useDebouncedValue(draft, 500);
  const source = sourceOf(settled);
  const query = useQuery({
    queryKey: ["campaign-preview", projectId, source],
    queryFn: () => (source ? previewCampaign(projectId, source) : Promise.reject(new Error("Choose a source."))),
    enabled: source !== null,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  });
  const pair = query.data?.pairs[0];
  return (
    <Panel title="What annotators see">
      {source === null ? <Text c="dimmed">Choose a source to see its first pair here.</Text> : null}
      {source !== null && query.isError ? <Text c="var(--ls-bad)" role="alert">{explain(query.error)}</Text> : null}
      {source !== null && query.isPending ? <LoadingState rows={6} /> : null}
      {source !== null && pair && !query.isError ? (
        <div className={classes.stack}>
          <PairView pair={pair} question={question} />
          <VerdictBar campaign={rules} disabled />
          <Text size="xs" c="dimmed">{leftOutWords(query.data?.left_out ?? {})}</Text>
        </div>
      ) : null}
    </Panel>
  );
}
