import { Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { artifactsQuery, rewardReportQuery } from "@/api/rewards";
import type { Interval, RewardReport } from "@/api/shapes";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { formatNumber, formatShare } from "@/ui/numbers";
import { Panel } from "@/ui/panel";
import { CalibrationPlot, MarginHistogram, ScoreHistogram } from "./report-plots";
import { comparesAnswers, intervalText, lengthVerdict, pairsText } from "./report-words";
import classes from "./rewards.module.css";

/** How far a reward model can be trusted: accuracy with its interval, by slice, calibration, margins, length. */
export function ReportOfRun({ runId, absent }: { runId: string; absent?: boolean }) {
  const artifacts = useQuery(artifactsQuery(runId));
  const newest = artifacts.data?.find((one) => one.kind === "reward_report");
  const report = useQuery({ ...rewardReportQuery(newest?.id ?? ""), enabled: newest !== undefined });
  if (artifacts.isError || report.isError) return <FailedState error={artifacts.error ?? report.error} onRetry={() => { void artifacts.refetch(); void report.refetch(); }} what="The report" />;
  if (artifacts.isPending || (newest && report.isPending)) return <LoadingState rows={6} />;
  if (!report.data) return absent ? null : <EmptyState title="No report yet" api={`GET /api/v1/runs/${runId}/artifacts`}>A reward model's run writes its report when it ends: on the pairs held back for it, else on those it learned from.</EmptyState>;
  return <ReportView report={report.data} />;
}

export function ReportView({ report }: { report: RewardReport }) {
  const compares = comparesAnswers(report);
  const facts: [string, string][] = [
    ...(compares ? [["Margin, mean", formatNumber(report.margin_mean, 3)] as [string, string]] : []),
    ...(report.calibration.length > 0 ? [["Calibration error", formatNumber(report.calibration_error, 3)] as [string, string]] : []),
    ["Reward, mean ± deviation", `${formatNumber(report.reward_mean, 3)} ± ${formatNumber(report.reward_std, 3)}`],
    ["Reward with length, ρ", formatNumber(report.length_correlation, 3)],
  ];
  return (
    <Stack gap={16}>
      <Panel title={report.kind === "regression" ? "Fit" : "Accuracy"}>
        {report.kind === "regression" ? <Text c="dimmed">On {pairsText(report)}</Text> : (
          <>
            <Text fz={28} fw={600} lh={1.2}>{formatShare(report.accuracy.value)}</Text>
            <Text c="dimmed">{intervalText(report.accuracy)} on {pairsText(report)}</Text>
          </>
        )}
        <dl className={classes.facts} style={{ marginTop: 16 }}>
          {facts.map(([term, value]) => <Fact key={term} term={term} value={value} />)}
          {(report.measures ?? []).map((one) => <Fact key={one.name} term={one.title} value={formatNumber(one.value, 3)} help={one.help} />)}
        </dl>
      </Panel>
      <div className={classes.split}>
        {report.calibration.length > 0 ? <Panel title="Calibration"><CalibrationPlot report={report} /></Panel> : null}
        {compares ? <Panel title="Margins"><MarginHistogram report={report} /></Panel> : <Panel title={report.kind === "regression" ? "Errors" : "Chances"}><ScoreHistogram report={report} /></Panel>}
      </div>
      {compares ? (
        <Panel title="Length">
          <Text>{lengthVerdict(report)}</Text>
          <Text c="dimmed">The longer answer gets the higher reward in {formatShare(report.longer_wins)} of pairs; people chose it in {formatShare(report.longer_chosen)}.</Text>
        </Panel>
      ) : null}
      {report.slices.length > 0 ? (
        <Panel title="Slices" flush>
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard */}
          <div className={classes.wrap} tabIndex={0} role="region" aria-label="Accuracy by slice">
            <table className={classes.table}>
              <thead><tr><th scope="col">By</th><th scope="col">Slice</th><th scope="col" className={classes.number}>Accuracy</th><th scope="col" className={classes.number}>95 %</th><th scope="col" className={classes.number}>{compares ? "Pairs" : report.kind === "process" ? "Steps" : "Answers"}</th></tr></thead>
              <tbody>
                {report.slices.map((slice) => (
                  <tr key={`${slice.by} ${slice.value}`}><td>{slice.by}</td><td>{slice.value}</td><td className={classes.number}>{formatShare(slice.accuracy.value)}</td><td className={classes.number}>{bounds(slice.accuracy)}</td><td className={classes.number}>{slice.accuracy.n}</td></tr>
                ))}
              </tbody>
            </table>
          </div>
        </Panel>
      ) : null}
    </Stack>
  );
}

function Fact({ term, value, help }: { term: string; value: string; help?: string }) {
  return <div title={help}><dt>{term}</dt><dd>{value}</dd></div>;
}

function bounds(interval: Interval): string {
  return interval.low === null || interval.high === null ? "–" : `${formatShare(interval.low)} to ${formatShare(interval.high)}`;
}
