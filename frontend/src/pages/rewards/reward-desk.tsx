import { ActionIcon, Alert, Anchor, Button, Menu, Select, Text } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { datasetsQuery } from "@/api/datasets";
import { type FieldError, Problem } from "@/api/problem";
import { deleteReward, restoreReward, rewardRunsQuery } from "@/api/rewards";
import { runsQuery } from "@/api/runs";
import type { Reward, RewardTermCard, RewardVersion } from "@/api/shapes";
import { useStanding } from "@/api/standing";
import { PipelineEditor } from "@/features/rewards/pipeline-editor";
import classes from "@/features/rewards/rewards.module.css";
import { SaveBar } from "@/features/rewards/save-bar";
import { SourceChooser } from "@/features/rewards/source-chooser";
import { EMPTY_PASTE, firstSource, sourceOf, type SourceSearch } from "@/features/rewards/try-source";
import { TryResult } from "@/features/rewards/try-result";
import { useRewardDraft } from "@/features/rewards/use-reward-draft";
import { useTrial } from "@/features/rewards/use-trial";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";
import { useShortcuts } from "@/ui/shortcuts";
import { toastError, toastUndo } from "@/ui/toasts";

interface Props { projectId: string; reward: Reward | null; version: RewardVersion | null; versions: RewardVersion[]; cards: RewardTermCard[]; tab: "compose" | "try" }

/** A reward in work beside what it says of real answers; an edit is tried after a pause. */
export function RewardDesk({ projectId, reward, version, versions, cards, tab }: Props) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const { canEdit } = useStanding(projectId);
  const search = useSearch({ strict: false }) as SourceSearch;
  const { draft, changed, setDraft, reset } = useRewardDraft(`${projectId}.${version?.id ?? "new"}`, version?.pipeline ?? null, reward ? undefined : search.model, search.term);
  const [errors, setErrors] = useState<FieldError[]>([]);
  const [pasted, setPasted] = useState(EMPTY_PASTE);
  const runs = useInfiniteQuery({ ...runsQuery(projectId, { sort: "-created_at" }, 50), enabled: search.on === undefined });
  const sets = useQuery({ ...datasetsQuery(projectId), enabled: search.on === undefined });
  const shown: SourceSearch = search.on === undefined ? firstSource(runs.data?.pages[0]?.items ?? [], sets.data ?? []) : search;
  const undecided = search.on === undefined && (runs.isPending || sets.isPending);
  const tried = useTrial(projectId, canEdit ? draft : null, undecided ? null : sourceOf(shown, pasted, tab === "try"));
  const told = tried.error instanceof Problem ? tried.error.errors.filter((one) => one.field.startsWith("pipeline.")).map((one) => ({ ...one, field: one.field.slice("pipeline.".length) })) : [];
  const setSource = (next: SourceSearch): void => void navigate({ to: ".", search: () => next as never, replace: true });
  const go = (rewardId: string, number: number, at: string = tab): void => void navigate({ to: "/p/$projectId/rewards/$rewardId/v/$version/$tab", params: { projectId, rewardId, version: String(number), tab: at }, search: search as never });
  useShortcuts("Tabs", reward && version ? [{ keys: "1", label: "Compose", run: () => go(reward.id, version.number, "compose") }, { keys: "2", label: "Try", run: () => go(reward.id, version.number, "try") }] : []);
  const erase = async (): Promise<void> => {
    if (!reward) return;
    await deleteReward(reward.id);
    const refresh = (): Promise<void> => client.invalidateQueries({ queryKey: ["rewards", projectId] });
    toastUndo(`Deleted ${reward.name}. The bin keeps it for 30 days.`, () => void restoreReward(reward.id).then(refresh, toastError));
    await refresh();
    await navigate({ to: "/p/$projectId/rewards", params: { projectId } });
  };
  const chooser = <SourceChooser projectId={projectId} search={shown} pasted={pasted} all={tab === "try"} onSearch={setSource} onPaste={setPasted} />;
  const result = <TryResult tried={tried} pipeline={draft} what={shown.on === "text" ? "Write an answer; what each term makes of it appears here." : "Choose what to try it on."} />;
  return (
    <PageFrame
      wide title={reward?.name ?? "New reward"} note={changed && reward ? <Text size="xs" c="var(--ls-warn)">changed, not saved</Text> : undefined}
      actions={
        <>
          {reward && version && versions.length > 1 ? <Select w={90} aria-label="Version" value={String(version.number)} onChange={(value) => value && go(reward.id, Number(value))} data={versions.map((one) => ({ value: String(one.number), label: `v${one.number}` }))} /> : null}
          {canEdit && version && !changed && !reward?.deleted_at ? <Button variant="default" renderRoot={(root) => <Link to="/p/$projectId/runs/new" params={{ projectId }} search={{ reward: version.id }} {...root} />}>Launch with it</Button> : null}
          {canEdit && !reward?.deleted_at ? <SaveBar projectId={projectId} reward={reward} draft={draft} changed={changed} onReset={reset} onErrors={setErrors} onSaved={(id, number) => { reset(); go(id, number, "compose"); }} /> : null}
          {canEdit && reward && !reward.deleted_at ? (
            <Menu position="bottom-end" shadow="md">
              <Menu.Target><ActionIcon variant="default" size={34} aria-label="More actions"><IconDots size={16} /></ActionIcon></Menu.Target>
              <Menu.Dropdown><Menu.Item color="var(--ls-bad)" onClick={() => void erase().catch(toastError)}>Delete</Menu.Item></Menu.Dropdown>
            </Menu>
          ) : null}
        </>
      }
    >
      {reward?.deleted_at ? <Alert mb={12} color="var(--ls-warn)" variant="outline">This reward is deleted. <Button variant="default" size="compact-sm" onClick={() => void restoreReward(reward.id).then(() => client.invalidateQueries({ queryKey: ["reward", reward.id] }), toastError)}>Restore</Button></Alert> : null}
      {reward && version ? (
        <nav className={classes.tabs} aria-label="Reward">
          {(["compose", "try"] as const).map((one) => <Link key={one} className={classes.tab} to="/p/$projectId/rewards/$rewardId/v/$version/$tab" params={{ projectId, rewardId: reward.id, version: String(version.number), tab: one }} search={search as never} aria-current={one === tab ? "page" : undefined}>{one === "compose" ? "Compose" : "Try"}</Link>)}
        </nav>
      ) : null}
      {tab === "compose" ? (
        <div className={classes.split}>
          <div>
            <PipelineEditor projectId={projectId} cards={cards} value={draft} errors={[...errors, ...told.filter((one) => !errors.some((other) => other.field === one.field))]} disabled={!canEdit} onChange={(next) => { setErrors([]); setDraft(next); }} />
            {version ? <UsedBy projectId={projectId} version={version} /> : null}
          </div>
          <Panel title="Try it">{canEdit ? chooser : null}<div style={{ marginTop: 12 }}>{canEdit ? result : <Text c="dimmed">Editors try rewards.</Text>}</div></Panel>
        </div>
      ) : (
        <Panel label="Try">{canEdit ? chooser : null}<div style={{ marginTop: 16 }}>{canEdit ? result : <Text c="dimmed">Editors try rewards.</Text>}</div></Panel>
      )}
    </PageFrame>
  );
}

function UsedBy({ projectId, version }: { projectId: string; version: RewardVersion }) {
  const runs = useQuery(rewardRunsQuery(projectId, version.id)).data ?? [];
  return (
    <Text mt={12} size="xs" c="dimmed" component="div">
      {version.created_by ? `Version ${version.number} by ${version.created_by.name}. ` : ""}
      {runs.length === 0 ? "No run has learned from it yet." : <>Learned from by {runs.map((run, index) => <span key={run.id}>{index > 0 ? ", " : ""}<Anchor component={Link} size="xs" underline="always" to={`/p/${projectId}/runs/${run.id}/curves`}>{run.name}</Anchor></span>)}.</>}
    </Text>
  );
}
