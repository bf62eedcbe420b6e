import { Alert, Button, Group, Loader, Stack, Text } from "@mantine/core";
import { Problem } from "@/api/problem";
import type { RewardPipeline, TrialReport } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { formatDuration, formatNumber } from "@/ui/numbers";
import classes from "./rewards.module.css";
import { TriedTable } from "./tried-table";
import type { Tried } from "./use-trial";

/** What came of a trial: the terms, what a replay would have changed, and the answers one by one. */
export function TryResult({ tried, pipeline, what }: { tried: Tried; pipeline: RewardPipeline | null; what: string }) {
  const { trial, busy, fresh, error } = tried;
  if (!pipeline) return <Text c="dimmed">Add a term; its values appear here.</Text>;
  return (
    <Stack gap={12}>
      {/* The faults of the reward stand at its terms; the source's stand here. */}
      {error ? (error instanceof Problem && error.errors.every((one) => one.field.startsWith("pipeline.")) && error.errors.length > 0 ? <Text c="dimmed">Mend the reward; then it is tried again.</Text> : <FailedState error={error} onRetry={tried.retry} what="The trial" />) : null}
      {busy ? <Group gap={8} role="status"><Loader size={14} /><Text c="dimmed">{trial ? "Trying the change" : "Trying the reward"}</Text><Button variant="default" size="compact-xs" onClick={tried.cancel}>Stop</Button></Group> : null}
      {!trial && !busy && !error ? <Text c="dimmed">{what}</Text> : null}
      {trial?.report ? (
        <div style={{ opacity: fresh ? 1 : 0.55 }} aria-busy={!fresh}>
          <Summary report={trial.report} />
          <TriedTable key={trial.id} trialId={trial.id} pipeline={trial.pipeline} replay={trial.report.replay !== null} />
        </div>
      ) : null}
    </Stack>
  );
}

function Summary({ report }: { report: TrialReport }) {
  const broken = report.terms.filter((term) => term.error !== "");
  const { replay } = report;
  return (
    <Stack gap={12} mb={12}>
      {replay ? <p style={{ margin: 0 }}><strong>mean {formatNumber(replay.old_mean, 3)} → {formatNumber(report.mean, 3)}, ρ {formatNumber(replay.spearman, 3)}</strong>, {replay.reordered} of {replay.groups} groups change order, flat groups {replay.flat_before} → {replay.flat_after}</p> : null}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard */}
      <div className={classes.wrap} tabIndex={0} role="region" aria-label="Values by term">
        <table className={classes.table} aria-label="Terms">
          <thead><tr><th scope="col">Term</th><th scope="col" className={classes.number}>Answers</th><th scope="col" className={classes.number}>Mean</th><th scope="col" className={classes.number}>Least</th><th scope="col" className={classes.number}>Most</th><th scope="col" className={classes.number}>Errors</th><th scope="col" className={classes.number}>Time</th></tr></thead>
          <tbody>
            {report.terms.map((term) => (
              <tr key={term.name}>
                <td>{term.name}</td><td className={classes.number}>{term.applied}</td><td className={classes.number}>{formatNumber(term.mean, 3)}</td><td className={classes.number}>{formatNumber(term.low, 3)}</td><td className={classes.number}>{formatNumber(term.high, 3)}</td>
                <td className={classes.number} style={term.errors > 0 ? { color: "var(--ls-bad)" } : undefined}>{term.errors}</td><td className={classes.number}>{term.seconds < 0.1 ? `${formatNumber(term.seconds * 1000, 2)} ms` : formatDuration(term.seconds)}</td>
              </tr>
            ))}
            <tr><td><strong>reward</strong></td><td className={classes.number}>{report.answers - report.without}</td><td className={classes.number}><strong>{formatNumber(report.mean, 3)}</strong></td><td /><td /><td /><td className={classes.number}>{formatDuration(report.seconds)}</td></tr>
          </tbody>
        </table>
      </div>
      {broken.map((term) => <Alert key={term.name} color="var(--ls-bad)" variant="outline" title={`${term.name}: ${term.errors} of ${report.answers} answers`}>{term.error}</Alert>)}
      {report.without > 0 ? <Text size="xs" c="dimmed">{report.without} answers got no reward; their advantage would be 0.</Text> : null}
      {report.notes.map((note) => <Text key={note} size="xs" c="dimmed">{note}</Text>)}
    </Stack>
  );
}
