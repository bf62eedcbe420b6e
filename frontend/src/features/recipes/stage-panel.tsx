import { Anchor, Button, Code, Group, Stack, Text } from "@mantine/core";
import { IconCheck, IconHistory, IconPencilCheck, IconRefresh } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { RecipeRun, RecipeStage } from "@/api/shapes";
import { CopyId } from "@/ui/copy-id";
import { Panel } from "@/ui/panel";
import { StateBadge } from "@/ui/state-badge";
import { Time } from "@/ui/time";
import { KINDS, STAGE_STATES } from "./stage-looks";
import { stageNote } from "./stage-note";
import { placeOf, reportPlace } from "./stage-place";

interface Props { run: RecipeRun; stage: RecipeStage; canEdit: boolean; busy: boolean; onApprove: () => void; onRetry: () => void; onRestart: () => void }

/** One stage: what it does, from what, what came out, and what a person may do about it. */
export function StagePanel({ run, stage, canEdit, busy, onApprove, onRetry, onRestart }: Props) {
  const ended = run.state !== "running" && run.state !== "waits_for_people";
  const broken = stage.state === "failed" || stage.state === "cancelled";
  const page = placeOf(run.project_id, stage.subject_id);
  const question = stage.kind === "approve" ? String(stage.template.question ?? "Go on?") : null;
  return (
    <Panel
      title={stage.title}
      actions={
        <>
          {page ? <Button variant="default" renderRoot={(root) => <Link to={page} {...root} />}>{stage.kind === "campaign" ? "Open campaign" : "Open run"}</Button> : null}
          {stage.kind === "campaign" && stage.state === "waits_for_people" ? <Button leftSection={<IconPencilCheck size={14} />} renderRoot={(root) => <Link to={`/p/${run.project_id}/annotate/${stage.subject_id}/work`} {...root} />}>Open annotation</Button> : null}
          {canEdit && stage.kind === "approve" && stage.state === "waits_for_people" ? <Button leftSection={<IconCheck size={14} />} loading={busy} onClick={onApprove}>Approve</Button> : null}
          {canEdit && broken ? <Button leftSection={<IconRefresh size={14} />} loading={busy} onClick={onRetry}>Retry</Button> : null}
          {canEdit ? <Button variant="default" leftSection={<IconHistory size={14} />} disabled={!ended || busy} title={ended ? undefined : "While this one is under way it cannot be restarted. Cancel it, or wait."} onClick={onRestart}>Restart from here</Button> : null}
        </>
      }
    >
      <Stack gap={12}>
        <Group gap={12}>
          <StateBadge look={STAGE_STATES[stage.state]} />
          <Text c="dimmed">{KINDS[stage.kind].word}{stage.attempt > 1 ? ` · try ${stage.attempt}` : ""}</Text>
          {stage.state === "running" ? <Text>{stageNote(stage)}</Text> : null}
          {stage.started_at ? <Text c="dimmed">began <Time at={stage.started_at} /></Text> : null}
        </Group>
        {stage.help ? <Text>{stage.help}</Text> : null}
        {question ? <Text fw={600}>{question}</Text> : null}
        {stage.approved_by ? <Text>Approved by {stage.approved_by.name}.</Text> : null}
        {stage.failure ? <Text role="alert" c="var(--ls-bad)">{stage.failure.message} {stage.failure.remedy}</Text> : null}
        {stage.waits_for.length > 0 ? <Text c="dimmed">Begins after {titles(run, stage.waits_for)}.</Text> : null}
        {stage.reused_from ? <Text>Reused from <Anchor component={Link} underline="always" to={`/p/${run.project_id}/recipes/${stage.reused_from}`}>an earlier run of the recipe</Anchor>: nothing was done again.</Text> : null}
        <Facts title="Gave" values={stage.outputs} projectId={run.project_id} />
        <div>
          <Text component="h3" fz={12} fw={600} c="dimmed" mb={4}>{stage.attempt > 0 || stage.state === "reused" ? "Config" : "Config, references still open"}</Text>
          <Code block fz={12} tabIndex={0} aria-label={`Config of ${stage.title}`}>{JSON.stringify(stage.attempt > 0 || stage.state === "reused" ? stage.body : stage.template, null, 2)}</Code>
        </div>
      </Stack>
    </Panel>
  );
}

function Facts({ title, values, projectId }: { title: string; values: Record<string, unknown>; projectId: string }) {
  const found = Object.entries(values).map(([name, value]) => ({ name, id: String(value), page: placeOf(projectId, String(value)) ?? reportPlace(projectId, name, values.run) }));
  if (found.length === 0) return null;
  return (
    <div>
      <Text component="h3" fz={12} fw={600} c="dimmed" mb={4}>{title}</Text>
      <Stack gap={4}>
        {found.map(({ name, id, page }) => (
          <Group key={name} gap={8} mih={24}><Text w={130}>{name.replaceAll("_", " ")}</Text>{page ? <Anchor component={Link} underline="always" to={page}>open</Anchor> : null}<CopyId id={id} /></Group>
        ))}
      </Stack>
    </div>
  );
}

function titles(run: RecipeRun, names: string[]): string {
  return names.map((name) => run.stages.find((stage) => stage.name === name)?.title ?? name).join(", ");
}
