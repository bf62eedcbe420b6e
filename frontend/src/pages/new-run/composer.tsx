import { SegmentedControl, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useMemo, useState } from "react";
import { datasetsQuery, type Created } from "@/api/datasets";
import { modelsQuery } from "@/api/models";
import type { Algorithms, DataNeed, RewardPipeline } from "@/api/shapes";
import { checkConfig } from "@/ui/schema/config-check";
import { DraftForm } from "@/features/new-run/draft-form";
import { MethodGallery } from "@/features/new-run/method-gallery";
import { PreflightPanel } from "@/features/new-run/preflight-panel";
import { missingParts, shortName, takesReward } from "@/features/new-run/readiness";
import { placeOfField } from "@/ui/document-place";
import { fieldsOf } from "@/ui/schema/schema-fields";
import { withConfig, withData, withMethod } from "@/features/new-run/starting-draft";
import { WorldDialog } from "@/features/data/world-dialog";
import { RewardChooser } from "@/features/rewards/reward-chooser";
import { useDraft } from "@/features/new-run/use-draft";
import { usePreflight } from "@/features/new-run/use-preflight";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";
import classes from "./composer.module.css";
import { LaunchBar } from "./launch-bar";
import { useLaunch } from "./use-launch";

const CodeEditor = lazy(() => import("@/ui/code-editor"));
type Step = "method" | "form" | "check";

/** Methods, the draft as form or YAML, and preflight: what cannot run cannot be launched. */
export function Composer({ projectId, catalogue, initial }: { projectId: string; catalogue: Algorithms; initial: string }) {
  const { as = "form" } = useSearch({ from: "/signed-in/p/$projectId/runs/new" });
  const navigate = useNavigate();
  const { text, setText, change, draft, faults, readable } = useDraft(projectId, initial);
  const card = catalogue.methods.find((method) => method.slug === draft.method);
  const { data: sets = [] } = useQuery(datasetsQuery(projectId));
  const { data: models = [] } = useQuery(modelsQuery(projectId));
  const dataKind = sets.find((set) => set.latest?.id === draft.datasets.train?.version_id)?.kind ?? null;
  const missing = missingParts(draft, card);
  const configErrors = useMemo(() => (card ? checkConfig(card.config_schema, draft.config).map((error) => ({ ...error, field: `config.${error.field}` })) : []), [card, draft.config]);
  const sound = readable && faults.length === 0 && configErrors.length === 0;
  const preflight = usePreflight(projectId, draft, sound && missing.length === 0);
  const { launch, errors, launching } = useLaunch(projectId, draft, text);
  const allErrors = [...configErrors, ...errors];
  const narrow = useMediaQuery("(max-width: 1023px)");
  const [step, setStep] = useState<Step>(draft.method ? "form" : "method");
  const choose = (slug: string) => {
    setText((now) => withMethod(now, slug, catalogue, models, sets));
    if (narrow) setStep("form");
  };
  const [generating, setGenerating] = useState<DataNeed | null>(null);
  const client = useQueryClient();
  const takeGenerated = async ({ dataset, version }: Created): Promise<void> => {
    const need = generating;
    setGenerating(null);
    await client.invalidateQueries({ queryKey: ["datasets", projectId] });
    const known = client.getQueryData(datasetsQuery(projectId).queryKey) ?? [];
    const choice = { version_id: version.id, split: "train" };
    if (need?.role === "train") setText((now) => withData(now, choice, known.find((set) => set.id === dataset.id), catalogue, known));
    else if (need) change(["datasets", need.role], choice);
  };
  const setReward = (reward: RewardPipeline | null, versionId: string | null) => {
    change(["reward"], reward ?? undefined);
    change(["reward_version_id"], versionId ?? undefined);
  };
  const applyFix = (set: Record<string, unknown>) => {
    for (const [path, value] of Object.entries(set)) change(["config", ...path.replace(/^config\./, "").split(".")], value);
  };
  const yamlFaults = [...faults, ...allErrors.map((error) => ({ ...placeOfField(text, error.field), ...error }))];
  const completions = useMemo(() => (card ? fieldsOf(card.config_schema).map((field) => ({ label: field.key, detail: field.title, info: field.help })) : []), [card]);
  const show = (one: Step) => !narrow || step === one;
  return (
    <PageFrame
      wide sticky title={draft.cloned_from ? "Clone a run" : "New run"}
      actions={<LaunchBar text={text} missing={missing} sound={sound} preflight={preflight} launching={launching} onLaunch={launch} onClear={() => setText("")} />}
    >
      {narrow ? <SegmentedControl fullWidth mb={12} value={step} onChange={(value) => setStep(value as Step)} data={[{ value: "method", label: "1 Method" }, { value: "form", label: "2 Settings" }, { value: "check", label: "3 Check" }]} /> : null}
      <div className={classes.columns}>
        {show("method") ? <aside className={classes.methods} aria-label="Methods"><MethodGallery methods={catalogue.methods.filter((method) => method.kind === "train" || method.kind === "generate" || method.slug === draft.method)} missing={catalogue.workers_missing} chosen={draft.method} dataKind={dataKind} onChoose={choose} /></aside> : null}
        {show("form") ? (
          <Panel
            title={card ? [shortName(card.slug), card.title].filter(Boolean).join(" · ") : "Settings"} label="Settings"
            actions={<SegmentedControl size="xs" value={as} aria-label="View" data={[{ value: "form", label: "Form" }, { value: "yaml", label: "YAML" }]} onChange={(value) => void navigate({ from: "/p/$projectId/runs/new", to: ".", replace: true, search: (now) => ({ ...now, as: value === "yaml" ? "yaml" as const : undefined }) })} />}
          >
            {as === "yaml" ? (
              <Suspense fallback={<LoadingState rows={12} />}><CodeEditor label="Run as YAML" value={text} faults={yamlFaults} completions={completions} readOnly={narrow ?? false} onChange={setText} /></Suspense>
            ) : card ? (
              <DraftForm projectId={projectId} draft={draft} card={card} errors={allErrors} readable={readable} reward={takesReward(card) ? <RewardChooser projectId={projectId} cards={catalogue.reward_terms} value={draft.reward} versionId={draft.reward_version_id ?? null} required={card.needs_reward} disabled={!readable} errors={errors} onChange={setReward} /> : null} onGenerate={setGenerating} onData={(choice, set) => setText((now) => withData(now, choice, set, catalogue, sets))} onChange={change} onSaved={(saved) => setText(withConfig(text, saved))} />
            ) : (
              <Text c="dimmed" py={24} ta="center">Choose a method. Its settings appear here, each with a vetted default.</Text>
            )}
            {yamlFaults.length > 0 ? <ul className={classes.faults}>{yamlFaults.map((fault) => <li key={`${fault.field}-${fault.message}`}>{as === "yaml" ? `Line ${fault.line}: ` : ""}{fault.message}</li>)}</ul> : null}
          </Panel>
        ) : null}
        {show("check") ? <aside className={classes.check}><Panel title="Preflight"><PreflightPanel preflight={preflight} missing={sound ? missing : missing.length ? missing : ["settings without faults"]} onFix={applyFix} /></Panel></aside> : null}
      </div>
      <WorldDialog projectId={projectId} opened={generating !== null} kinds={generating?.kinds} onClose={() => setGenerating(null)} onCreated={(created) => void takeGenerated(created)} />
    </PageFrame>
  );
}
