import { Alert, Button, MultiSelect, Select, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { algorithmsQuery } from "@/api/algorithms";
import { launchEvaluation } from "@/api/evaluations";
import { newKey } from "@/api/http";
import { modelsQuery } from "@/api/models";
import { type FieldError, Problem } from "@/api/problem";
import type { Algorithms, DatasetChoice, MethodCard, RewardPipeline } from "@/api/shapes";
import { useStanding } from "@/api/standing";
import { ConfigForm } from "@/features/new-run/config-form";
import { DataPicker } from "@/features/new-run/data-picker";
import { ModelPicker } from "@/features/new-run/model-picker";
import { RewardChooser } from "@/features/rewards/reward-chooser";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";
import { withValue } from "./config-values";
import { lacking } from "./lacking";

const HERE = "/signed-in/p/$projectId/evals/new";

/** What is measured, on which models, on which data: one run for each model. */
export function NewEvaluationPage() {
  const { projectId } = useParams({ from: HERE });
  const algorithms = useQuery(algorithmsQuery);
  const { canEdit } = useStanding(projectId);
  useBreadcrumbs([{ label: "Evaluations", to: `/p/${projectId}/evals` }, { label: "New" }]);
  if (algorithms.error) return <PageFrame title="Evaluate models"><FailedState error={algorithms.error} onRetry={() => void algorithms.refetch()} /></PageFrame>;
  if (!algorithms.data) return <PageFrame title="Evaluate models"><LoadingState /></PageFrame>;
  if (!canEdit) return <PageFrame title="Evaluate models"><EmptyState title="Only editors launch evaluations">Ask an owner of the project to make you an editor.</EmptyState></PageFrame>;
  return <Form projectId={projectId} catalogue={algorithms.data} />;
}

function Form({ projectId, catalogue }: { projectId: string; catalogue: Algorithms }) {
  const search = useSearch({ from: HERE });
  const navigate = useNavigate();
  const cards = catalogue.methods.filter((card) => card.kind === "evaluate");
  const [method, setMethod] = useState(search.method ?? "evaluate-answers");
  const [models, setModels] = useState<string[]>(search.models ?? []);
  const [others, setOthers] = useState<Record<string, string>>({});
  const [dataset, setDataset] = useState<DatasetChoice | undefined>();
  const [config, setConfig] = useState<Record<string, unknown>>({});
  const [reward, setReward] = useState<RewardPipeline | null>(null);
  const [rewardVersion, setRewardVersion] = useState<string | null>(search.reward ?? null);
  const [name, setName] = useState("");
  const [key, setKey] = useState(newKey);
  const client = useQueryClient();
  const card = cards.find((one) => one.slug === method) ?? cards[0];
  const launch = useMutation({
    mutationFn: () => launchEvaluation(projectId, { method: card?.slug ?? method, models, others, dataset: dataset ?? { version_id: "", split: "" }, config, reward: card?.takes_reward ? reward : null, reward_version_id: card?.takes_reward ? rewardVersion : null, name }, key),
    onSuccess: ({ runs }) => {
      void client.invalidateQueries({ queryKey: ["runs", projectId] });
      return navigate(runs.length === 1 && runs[0] ? { to: "/p/$projectId/runs/$runId/curves", params: { projectId, runId: runs[0].id } } : { to: "/p/$projectId/evals", params: { projectId } });
    },
    onError: () => setKey(newKey()),
  });
  const library = useQuery(modelsQuery(projectId)).data ?? [];
  if (!card) return <PageFrame title="Evaluate models"><EmptyState title="No method of evaluation">The catalogue has none. Update the workers.</EmptyState></PageFrame>;
  const errors = launch.error instanceof Problem ? launch.error.errors : [];
  // A run that has just ended leaves a model which a worker still looks at; the server would refuse it.
  const inspected = library.find((model) => models.includes(model.id) && model.state === "inspecting");
  const lacks = inspected ? `A worker still looks at ${inspected.name}. It takes seconds.` : lacking(card, { models, dataset, others, config, rewarded: reward !== null || rewardVersion !== null });
  const choose = (slug: string | null) => {
    if (!slug) return;
    setMethod(slug);
    setConfig({});
    setOthers({});
    setDataset(undefined);
  };
  return (
    <PageFrame title="Evaluate models">
      <Stack gap={12} maw={860}>
        <Panel>
          <Stack gap={12}>
            <Select label="What is measured" description={card.summary} data={cards.map((one) => ({ value: one.slug, label: one.title }))} value={card.slug} allowDeselect={false} onChange={choose} />
            <Models projectId={projectId} card={card} value={models} errors={errors} onChange={setModels} />
            {card.models.slice(1).map((need) => (
              <ModelPicker key={need.role} projectId={projectId} {...need} value={others[need.role]} error={at(errors, `others.${need.role}`)} onChange={(id) => setOthers(without(others, need.role, id))} />
            ))}
            {card.data.map((need) => <DataPicker held key={`${card.slug} ${need.role}`} projectId={projectId} need={need} value={dataset} error={at(errors, "dataset")} onChange={(choice) => setDataset(choice)} />)}
            <TextInput label="Name" placeholder="a friendly name is found when left empty" value={name} maxLength={110} onChange={(event) => setName(event.currentTarget.value)} />
          </Stack>
        </Panel>
        {card.takes_reward ? (
          <Panel title={card.slug === "evaluate-winrate" ? "Judged by a reward" : "Scored by a reward"}>
            <Text c="dimmed" mb={8}>{card.slug === "evaluate-winrate" ? "Judges both answers where neither a model nor an endpoint does." : "Optional: told beside the accuracy; decides what is right when “reward” is chosen below."}</Text>
            <RewardChooser projectId={projectId} cards={catalogue.reward_terms} value={reward} versionId={rewardVersion} required={false} errors={errors} onChange={(terms, version) => { setReward(terms); setRewardVersion(version); }} />
          </Panel>
        ) : null}
        <Panel>
          <ConfigForm schema={card.config_schema} config={config} errors={errors.filter((error) => error.field.startsWith("config.")).map((error) => ({ ...error, field: error.field.slice(7) }))} onChange={(path, value) => setConfig(withValue(config, path, value))} />
        </Panel>
        {launch.error ? <Alert color="var(--ls-bad)" variant="outline" role="alert">{launch.error.message}</Alert> : null}
        <div><Button disabled={lacks !== null} loading={launch.isPending} onClick={() => launch.mutate()}>{models.length > 1 ? `Launch ${models.length} evaluations` : "Launch evaluation"}</Button>{lacks ? <Text span ml={12} c="dimmed">{lacks}</Text> : null}</div>
      </Stack>
    </PageFrame>
  );
}

function Models({ projectId, card, value, errors, onChange }: { projectId: string; card: MethodCard; value: string[]; errors: FieldError[]; onChange: (ids: string[]) => void }) {
  const models = useQuery(modelsQuery(projectId));
  const kinds = card.models[0]?.kinds ?? [];
  const known = (models.data ?? []).filter((model) => model.state === "ready" && kinds.includes(model.kind)).map((model) => ({ value: model.id, label: model.name }));
  const lost = value.filter((id) => !known.some((one) => one.value === id)).map((id) => ({ value: id, label: models.data?.find((model) => model.id === id)?.name ?? (id.startsWith("ckp_") ? `checkpoint ${id}` : id.startsWith("run_") ? `final model of ${id}` : id) }));
  const wrong = errors.find((error) => error.field === "models" || error.field.startsWith("models."))?.message;
  return (
    <MultiSelect
      label="Models" description={card.models[0]?.help} required searchable clearable data={[...known, ...lost]} value={value} error={wrong} maxValues={20}
      placeholder={value.length ? undefined : models.isPending ? "Loading" : known.length ? "Choose one or several" : "No model of this kind yet"} nothingFoundMessage="No model is called that" onChange={onChange}
    />
  );
}

function at(errors: FieldError[], field: string): string | undefined {
  return errors.find((error) => error.field === field || error.field.startsWith(`${field}.`))?.message;
}

function without(others: Record<string, string>, role: string, id: string | undefined): Record<string, string> {
  const rest = Object.fromEntries(Object.entries(others).filter(([key]) => key !== role));
  return id ? { ...rest, [role]: id } : rest;
}
