import { Button, NumberInput, Select, Switch, Text, Textarea } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { collectVotes, servingsQuery, votesQuery, type ChatSettings } from "@/api/playground";
import { Panel } from "@/ui/panel";
import { toast, toastError } from "@/ui/toasts";

export interface Choice { value: string; label: string }

interface Props {
  projectId: string; choices: Choice[]; models: string[]; blind: boolean; settings: ChatSettings; system: string; canEdit: boolean;
  onModels: (models: string[]) => void; onBlind: (on: boolean) => void; onSettings: (settings: ChatSettings) => void; onSystem: (text: string) => void;
}

/** Whom is asked and how the answers are drawn. */
export function SettingsPanel({ projectId, choices, models, blind, settings, system, canEdit, onModels, onBlind, onSettings, onSystem }: Props) {
  const servings = useQuery(servingsQuery(projectId)).data ?? [];
  const standing = (model: string | undefined): string | undefined => {
    const found = servings.find((one) => one.model_id === model);
    if (!model) return undefined;
    return !found ? "Loaded with the first question" : found.ready ? "Ready" : found.waiting_for ? `Waits for ${found.waiting_for}` : found.doing || "Starting";
  };
  const pick = (place: number, model: string | null) => onModels([...models.slice(0, place), ...(model ? [model] : []), ...models.slice(place + 1)]);
  return (
    <Panel title="Settings">
      <Select label="Model A" data={choices} value={models[0] ?? null} searchable onChange={(model) => model && pick(0, model)} description={standing(models[0])} placeholder="Choose a model" />
      <Select mt={8} label="Model B" data={choices} value={models[1] ?? null} searchable clearable disabled={models.length === 0} onChange={(model) => pick(1, model)} description={standing(models[1])} placeholder="None: chat with A alone" />
      <Switch mt={12} label="Blind" description="Names hidden, sides by chance, until you vote" checked={blind} disabled={models.length < 2} onChange={(event) => onBlind(event.currentTarget.checked)} />
      <NumberInput mt={12} label="Temperature" value={settings.temperature ?? 1} min={0} max={2} step={0.1} onChange={(value) => onSettings({ ...settings, temperature: Number(value) })} />
      <NumberInput mt={8} label="Top p" value={settings.top_p ?? 1} min={0.01} max={1} step={0.05} onChange={(value) => onSettings({ ...settings, top_p: Number(value) || 1 })} />
      <NumberInput mt={8} label="Longest answer" suffix=" tokens" value={settings.max_tokens ?? 256} min={1} max={4096} onChange={(value) => onSettings({ ...settings, max_tokens: Number(value) || 256 })} />
      <Textarea mt={8} label="System message" value={system} autosize minRows={2} maxRows={8} onChange={(event) => onSystem(event.currentTarget.value)} />
      <Votes projectId={projectId} canEdit={canEdit} />
    </Panel>
  );
}

/** What the votes say so far, and their way into a data set. */
function Votes({ projectId, canEdit }: { projectId: string; canEdit: boolean }) {
  const votes = useQuery(votesQuery(projectId)).data;
  const collect = useMutation({ mutationFn: () => collectVotes(projectId), onSuccess: (made) => toast(`${made.rows} rows go into version ${made.number}`), onError: (error) => toastError(error) });
  if (!votes?.votes) return null;
  return (
    <>
      <Text mt={16} size="xs" c="dimmed">{votes.votes} {votes.votes === 1 ? "vote" : "votes"}, {votes.rows} of them {votes.rows === 1 ? "a pair" : "pairs"}</Text>
      {votes.tallies.map((one) => <Text key={`${one.first_id}${one.second_id}`} size="xs">{one.first_name} {one.first_wins} : {one.second_wins} {one.second_name}{one.ties ? `, ${one.ties} tied` : ""}</Text>)}
      {canEdit && votes.rows > 0 ? <Button mt={8} size="compact-sm" variant="default" loading={collect.isPending} onClick={() => collect.mutate()}>Make a data set</Button> : null}
      {collect.data ? <Text size="xs" mt={4}><Link className="ls-link" to="/p/$projectId/data/$datasetId" params={{ projectId, datasetId: collect.data.dataset_id }}>Open the data set</Link></Text> : null}
    </>
  );
}
