import { ActionIcon, Button, Group, Menu, Text, VisuallyHidden } from "@mantine/core";
import { IconDots, IconDownload, IconMessage, IconPlayerPlay, IconPackage, IconScale } from "@tabler/icons-react";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { checkpointsQuery, type Checkpoint } from "@/api/run";
import { panelTitle } from "@/charts/panels";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { formatBytes, formatNumber } from "@/ui/numbers";
import { Panel } from "@/ui/panel";
import { isActive } from "@/ui/run-states";
import { Time } from "@/ui/time";
import { useRun } from "../run-context";
import classes from "./details.module.css";
import { tellingMetrics } from "./telling-metrics";
import { RegisterDialog } from "./register-dialog";

const REASONS: Record<string, string> = { interval: "by interval", asked: "asked for", stop: "on stop", signal: "on leaving", final: "final" };

/** What is left of a run: its checkpoints, newest first, each a model to register or to train on from. */
export function CheckpointsView() {
  const { run, feed, method, canEdit } = useRun();
  const narrow = useMediaQuery("(max-width: 768px)", window.innerWidth <= 768, { getInitialValueInEffect: false });
  const navigate = useNavigate();
  const query = useQuery(checkpointsQuery(run.id));
  const [chosen, setChosen] = useState<{ checkpoint: Checkpoint; launch: boolean } | null>(null);
  const { refetch } = query;
  useEffect(() => feed.onEvents((items) => {
    if (items.some(({ event }) => event.type === "checkpoint" || event.type === "artifact" || event.type === "done")) void refetch();
  }), [feed, refetch]);

  if (query.isError) return <FailedState error={query.error} onRetry={() => void query.refetch()} what="Checkpoints" />;
  if (query.isPending) return <LoadingState rows={4} />;
  const checkpoints = [...query.data].sort((a, b) => b.step - a.step || b.attempt - a.attempt);
  if (checkpoints.length === 0) {
    return (
      <EmptyState title="No checkpoint yet" api={`POST /api/v1/runs/${run.id}/control {"type": "checkpoint"}`}>
        {isActive(run.state) ? "The next comes by its interval, at the end, or from “Checkpoint now” in the menu." : "This run ended before its first one."}
      </EmptyState>
    );
  }
  const metrics = tellingMetrics(checkpoints.flatMap((checkpoint) => Object.keys(checkpoint.metrics)));
  const titleOf = (name: string): string => panelTitle(name, method?.metrics ?? []);
  const deeds = (checkpoint: Checkpoint) => <Deeds checkpoint={checkpoint} projectId={run.project_id} canEdit={canEdit} writes={method?.models[0]?.role !== "reward"} onRegister={(launch) => setChosen({ checkpoint, launch })} />;
  return (
    <>
      {narrow && (
        <ul className={classes.cards} aria-label="Checkpoints">
          {checkpoints.map((checkpoint) => (
            <li key={checkpoint.id} className={classes.card}>
              <div><strong>step {checkpoint.step}</strong><span className={classes.muted}>{REASONS[checkpoint.reason] ?? checkpoint.reason} · {formatBytes(checkpoint.size_bytes)}</span></div>
              {metrics.slice(0, 2).map((metric) => <div key={metric}><span className={classes.muted}>{titleOf(metric)}</span><span>{formatNumber(checkpoint.metrics[metric])}</span></div>)}
              <div>{deeds(checkpoint)}</div>
            </li>
          ))}
        </ul>
      )}
      {!narrow && <Panel title={`${checkpoints.length} checkpoints`} flush>
        <div className={classes.wrap}>
          <table className={`${classes.table} ${classes.rows}`}>
            <thead>
              <tr>
                <th scope="col" className={classes.number}>step</th>
                {metrics.map((metric) => <th scope="col" key={metric} className={classes.number} title={metric}>{titleOf(metric)}</th>)}
                <th scope="col">kept</th>
                <th scope="col">when</th>
                <th scope="col" className={classes.number}>size</th>
                <th scope="col"><VisuallyHidden>Actions</VisuallyHidden></th>
              </tr>
            </thead>
            <tbody>
              {checkpoints.map((checkpoint) => (
                <tr key={checkpoint.id}>
                  <td className={classes.number}><strong>{checkpoint.step}</strong></td>
                  {metrics.map((metric) => <td key={metric} className={classes.number}>{formatNumber(checkpoint.metrics[metric])}</td>)}
                  <td>{REASONS[checkpoint.reason] ?? checkpoint.reason}{checkpoint.verified === false && <Text span c="var(--ls-bad)"> · files do not match their hashes</Text>}</td>
                  <td><Time at={checkpoint.created_at} /></td>
                  <td className={classes.number}>{formatBytes(checkpoint.size_bytes)}</td>
                  <td className={classes.number}>{deeds(checkpoint)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Panel>}
      {run.final_model_id && <Text mt={12}>The finished model is in the library: <Link to="/p/$projectId/models/$modelId" params={{ projectId: run.project_id, modelId: run.final_model_id }} style={{ color: "var(--ls-accent)" }}>open it</Link>.</Text>}
      {chosen && (
        <RegisterDialog
          run={run}
          checkpoint={chosen.checkpoint}
          launch={chosen.launch}
          onClose={() => setChosen(null)}
          onRegistered={(model) => {
            const launch = chosen.launch;
            setChosen(null);
            if (launch) void navigate({ to: "/p/$projectId/runs/new", params: { projectId: run.project_id }, search: { from: run.id, model: model.id } });
          }}
        />
      )}
    </>
  );
}

/** What can be done with one checkpoint. */
function Deeds({ checkpoint, projectId, canEdit, writes, onRegister }: { checkpoint: Checkpoint; projectId: string; canEdit: boolean; writes: boolean; onRegister: (launch: boolean) => void }) {
  return (
    <Group gap={8} justify="flex-end" wrap="nowrap" display="inline-flex">
      {canEdit && <Button variant="default" size="compact-xs" leftSection={<IconPackage size={14} />} onClick={() => onRegister(false)}>Register as model</Button>}
      <Menu position="bottom-end" shadow="md">
        <Menu.Target><ActionIcon size={24} aria-label={`More for step ${checkpoint.step}`}><IconDots size={16} /></ActionIcon></Menu.Target>
        <Menu.Dropdown>
          {canEdit && <Menu.Item leftSection={<IconScale size={16} />} renderRoot={(root) => <Link to="/p/$projectId/evals/new" params={{ projectId }} search={{ models: [checkpoint.id] }} {...root} />}>Evaluate</Menu.Item>}
          {canEdit && <Menu.Item leftSection={<IconPlayerPlay size={16} />} onClick={() => onRegister(true)}>Launch a run from it</Menu.Item>}
          {canEdit && writes && <Menu.Item leftSection={<IconMessage size={16} />} renderRoot={(root) => <Link to="/p/$projectId/playground" params={{ projectId }} search={{ m: [checkpoint.id] }} {...root} />}>Chat with it</Menu.Item>}
          <Menu.Item leftSection={<IconDownload size={16} />} component="a" href={`/api/v1/checkpoints/${checkpoint.id}/export`} download>Export as tar</Menu.Item>
          <Menu.Item onClick={() => void navigator.clipboard.writeText(checkpoint.path)}>Copy path</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
