import { Badge, Button, Group, Tooltip } from "@mantine/core";
import { IconBan, IconPlayerPause, IconPlayerPlay, IconPlayerStop, IconScale } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { checkpointsQuery } from "@/api/run";
import { formatDuration, formatShare } from "@/ui/numbers";
import { RunDot } from "@/ui/run-dot";
import { isActive, runLook } from "@/ui/run-states";
import { useShortcuts } from "@/ui/shortcuts";
import { StateBadge } from "@/ui/state-badge";
import { useFeedState, useRun } from "../run-context";
import { CancelDialog } from "./cancel-dialog";
import { doingLine, share } from "./doing";
import { FailurePanel } from "./failure-panel";
import { LiveFreshness } from "./live-freshness";
import { LiveSettings } from "./live-settings";
import { RecoveryLine } from "./recovery-line";
import { allowed, pending, type Allowed } from "./run-controls";
import classes from "./run-header.module.css";
import { RunMenu } from "./run-menu";
import { TagDialog } from "./tag-dialog";
import { useRunDeeds } from "./use-run-deeds";
import { VerdictLine } from "./verdict-line";

/** The same on every tab: what the run is, how it stands, how fresh that is, and what may be done. */
export function RunHeader({ children }: { children: ReactNode }) {
  const { run, feed, canEdit } = useRun();
  const { view } = useFeedState(feed);
  const deeds = useRunDeeds(run);
  const navigate = useNavigate();
  const [asking, setAsking] = useState<"cancel" | "tag" | "live" | null>(null);
  const checkpoints = useQuery({ ...checkpointsQuery(run.id), enabled: run.state === "failed" || asking === "cancel" });
  const last = checkpoints.data?.reduce<number | null>((newest, one) => Math.max(newest ?? 0, one.step), null) ?? null;
  const done = share(view.step, run.total ?? view.total);
  const paused = run.state === "paused";
  const waits = run.state === "queued";
  const toggle = (): void => void deeds.control(paused ? "resume" : "pause");
  const stop = allowed(run, "stop", canEdit);
  const hold = allowed(run, paused ? "resume" : "pause", canEdit);
  const clone = (): void => void navigate({ to: "/p/$projectId/runs/new", params: { projectId: run.project_id }, search: { from: run.id } });

  useShortcuts("Run", !canEdit ? [] : [
    { keys: "P", label: "Pause or resume", run: () => hold.ok && toggle() },
    { keys: "S", label: "Stop and keep checkpoint", run: () => stop.ok && void deeds.control("stop") },
    { keys: "m", label: "Sample now", run: () => allowed(run, "sample", canEdit).ok && void deeds.control("sample") },
    { keys: "L", label: "Live settings", run: () => setAsking("live") },
    { keys: "c", label: "Clone", run: clone },
    { keys: "t", label: "Tag", run: () => setAsking("tag") },
  ]);

  return (
    <header className={classes.header}>
      <div className={classes.top}>
        <Group gap={8} wrap="nowrap">
          <RunDot slot={run.colour} />
          <h1 className={classes.name}>{run.name}</h1>
          <StateBadge look={runLook(run)} />
        </Group>
        <div className={classes.facts}>
          <span><b>{view.step.toLocaleString("en")}</b>{run.total ?? view.total ? `/${(run.total ?? view.total ?? 0).toLocaleString("en")}` : ""}{done !== null && ` · ${formatShare(done, 0)}`}</span>
          {run.state === "running" && view.etaSeconds !== null && <span>ETA {formatDuration(view.etaSeconds)}</span>}
          <LiveFreshness run={run} feed={feed} />
          {run.tags.map((tag) => <Badge key={tag} variant="default" size="sm" tt="none" fw={400}>{tag}</Badge>)}
        </div>
        {canEdit && <div className={classes.actions}>
          {waits && <Button variant="default" leftSection={<IconBan size={16} />} loading={deeds.busy === "cancel"} onClick={() => setAsking("cancel")}>Cancel run</Button>}
          {isActive(run.state) && !waits && (
            <>
              <LiveSettings opened={asking === "live"} onOpened={(open) => setAsking(open ? "live" : null)} deeds={deeds} />
              <Deed label={paused ? "Resume" : "Pause"} keys="P" icon={paused ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />} allow={hold} busy={deeds.busy === "pause" || deeds.busy === "resume"} onClick={toggle} />
              <Deed label="Stop and keep checkpoint" keys="S" icon={<IconPlayerStop size={16} />} allow={stop} busy={deeds.busy === "stop"} onClick={() => void deeds.control("stop")} />
            </>
          )}
          {run.state === "cancelled" && <Button variant="default" loading={deeds.busy === "retry"} onClick={() => void deeds.retry()}>Resume</Button>}
          {run.final_model_id && <Button variant="default" leftSection={<IconScale size={16} />} renderRoot={(root) => <Link to="/p/$projectId/evals/new" params={{ projectId: run.project_id }} search={{ models: [run.final_model_id] }} {...root} />}>Evaluate</Button>}
          {!isActive(run.state) && <Button variant="default" onClick={clone}>Clone</Button>}
          <RunMenu run={run} deeds={deeds} onClone={clone} onTag={() => setAsking("tag")} onCancel={() => setAsking("cancel")} />
        </div>}
      </div>
      <div className={classes.line}>
        <RecoveryLine run={run} />
        <VerdictLine />
        <span style={{ color: "var(--ls-muted)" }}>{pending(run) || doingLine(run, view)}</span>
      </div>
      <FailurePanel run={run} lastCheckpoint={last} deeds={deeds} canEdit={canEdit} onClone={clone} />
      {children}
      {isActive(run.state) && (
        <div className={classes.bar} role="progressbar" aria-label="Steps done" aria-valuenow={Math.round((done ?? 0) * 100)} aria-valuemin={0} aria-valuemax={100}>
          <i style={{ width: `${(done ?? 0) * 100}%` }} />
        </div>
      )}
      <CancelDialog
        opened={asking === "cancel"}
        step={view.step}
        lastCheckpoint={last}
        onClose={() => setAsking(null)}
        onCancelRun={() => { setAsking(null); void deeds.control("cancel"); }}
        onStop={() => { setAsking(null); void deeds.control("stop"); }}
      />
      {asking === "tag" && <TagDialog opened tags={run.tags} onClose={() => setAsking(null)} onSave={(tags) => { setAsking(null); void deeds.tag(tags); }} />}
    </header>
  );
}

/** The tip belongs to the frame: a button that goes quiet under the pointer would never hear the pointer leave. */
function Deed({ label, keys, icon, allow, busy, onClick }: { label: string; keys: string; icon: ReactNode; allow: Allowed; busy: boolean; onClick: () => void }) {
  const quiet = !allow.ok || busy;
  return (
    <Tooltip label={allow.why || `${label} (${keys})`}>
      <span className={classes.deed}>
        <Button variant="default" leftSection={icon} disabled={!allow.ok} loading={busy} style={quiet ? { pointerEvents: "none" } : undefined} onClick={onClick}>{label}</Button>
      </span>
    </Tooltip>
  );
}
