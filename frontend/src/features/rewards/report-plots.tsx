import { Text } from "@mantine/core";
import type { RewardReport } from "@/api/shapes";
import { formatNumber, formatShare } from "@/ui/numbers";
import { comparesAnswers } from "./report-words";
import { placed } from "./plot-scale";
import classes from "./rewards.module.css";

const WIDE = 360;
const HIGH = 220;
const LEFT = 40;
const FOOT = 28;

/** How sure the model was against how often it was right; on the line it is as sure as it may be. */
export function CalibrationPlot({ report }: { report: RewardReport }) {
  const bins = report.calibration.filter((bin) => bin.n > 0 && bin.predicted !== null && bin.observed !== null);
  const most = Math.max(1, ...bins.map((bin) => bin.n));
  const least = report.calibration[0]?.low ?? 0.5;
  const middle = (least + 1) / 2;
  const counted = comparesAnswers(report) ? "pairs" : report.kind === "process" ? "steps" : "answers";
  const x = (value: number) => placed(value, least, 1, LEFT, WIDE - 10);
  const y = (value: number) => placed(value, 0, 1, HIGH - FOOT, 10);
  return (
    <figure style={{ margin: 0 }}>
      <svg viewBox={`0 0 ${WIDE} ${HIGH}`} className={classes.plot} role="img" aria-label={bins.map((bin) => `predicted ${formatShare(bin.predicted)}, right ${formatShare(bin.observed)} of ${bin.n}`).join("; ")}>
        {[0, 0.5, 1].map((value) => <g key={value}><line x1={LEFT} x2={WIDE - 10} y1={y(value)} y2={y(value)} stroke="var(--ls-line)" /><text x={LEFT - 6} y={y(value) + 4} textAnchor="end" fontSize={11} fill="var(--ls-muted)">{formatShare(value, 0)}</text></g>)}
        {[least, middle, 1].map((value) => <text key={value} x={x(value)} y={HIGH - 10} textAnchor={value === 1 ? "end" : value === least ? "start" : "middle"} fontSize={11} fill="var(--ls-muted)">{formatShare(value, 0)}</text>)}
        <line x1={x(least)} y1={y(least)} x2={x(1)} y2={y(1)} stroke="var(--ls-control)" strokeDasharray="4 3" />
        {bins.map((bin) => <circle key={bin.low} cx={x(bin.predicted ?? 0)} cy={y(bin.observed ?? 0)} r={3 + 5 * Math.sqrt(bin.n / most)} fill="var(--ls-accent)" fillOpacity={0.75}><title>{`predicted ${formatShare(bin.predicted)}, right ${formatShare(bin.observed)}, ${bin.n} ${counted}`}</title></circle>)}
      </svg>
      <figcaption><Text size="xs" c="dimmed">Across: how sure the model was. Up: how often it was right. Larger points hold more {counted}; on the dashed line it is as sure as it may be.</Text></figcaption>
    </figure>
  );
}

/** Reward of the chosen answer less that of the rejected; left of zero the model was wrong. */
export function MarginHistogram({ report }: { report: RewardReport }) {
  const bins = report.margins;
  const low = Math.min(0, ...bins.map((bin) => bin.low));
  const high = Math.max(0, ...bins.map((bin) => bin.high));
  const most = Math.max(1, ...bins.map((bin) => bin.n));
  const x = (value: number) => placed(value, low, high, 10, WIDE - 10);
  const wrong = bins.filter((bin) => bin.high <= 0).reduce((sum, bin) => sum + bin.n, 0);
  if (bins.length === 0) return <Text c="dimmed">No pairs, no margins.</Text>;
  return (
    <figure style={{ margin: 0 }}>
      <svg viewBox={`0 0 ${WIDE} ${HIGH}`} className={classes.plot} role="img" aria-label={`Margins from ${formatNumber(low, 3)} to ${formatNumber(high, 3)}, mean ${formatNumber(report.margin_mean, 3)}`}>
        {bins.map((bin) => {
          const tall = placed(bin.n, 0, most, 0, HIGH - FOOT - 10);
          return <rect key={bin.low} x={x(bin.low) + 0.5} width={Math.max(1, x(bin.high) - x(bin.low) - 1)} y={HIGH - FOOT - tall} height={tall} fill={bin.high <= 0 ? "var(--ls-bad)" : "var(--ls-accent)"} fillOpacity={0.8}><title>{`${formatNumber(bin.low, 3)} to ${formatNumber(bin.high, 3)}: ${bin.n} pairs`}</title></rect>;
        })}
        <line x1={x(0)} x2={x(0)} y1={6} y2={HIGH - FOOT} stroke="var(--ls-text)" />
        <line x1={10} x2={WIDE - 10} y1={HIGH - FOOT} y2={HIGH - FOOT} stroke="var(--ls-line)" />
        {x(0) > 70 ? <text x={10} y={HIGH - 10} fontSize={11} fill="var(--ls-muted)">{formatNumber(low, 3)}</text> : null}
        {x(0) < WIDE - 70 ? <text x={WIDE - 10} y={HIGH - 10} textAnchor="end" fontSize={11} fill="var(--ls-muted)">{formatNumber(high, 3)}</text> : null}
        <text x={x(0)} y={HIGH - 10} textAnchor="middle" fontSize={11} fill="var(--ls-muted)">0</text>
      </svg>
      <figcaption><Text size="xs" c="dimmed">Reward of the chosen answer less that of the rejected. Left of the line the model was wrong{wrong > 0 ? `: ${wrong} pairs or more` : ""}.</Text></figcaption>
    </figure>
  );
}

/** How sure the model is that answers, or steps, are right; of grades, by how much it is off. */
export function ScoreHistogram({ report }: { report: RewardReport }) {
  const bins = report.scores ?? [];
  const chances = report.kind !== "regression";
  const low = chances ? 0 : Math.min(0, ...bins.map((bin) => bin.low));
  const high = chances ? 1 : Math.max(0, ...bins.map((bin) => bin.high));
  const most = Math.max(1, ...bins.map((bin) => bin.n));
  const x = (value: number) => placed(value, low, high, 10, WIDE - 10);
  const middle = chances ? 0.5 : 0;
  const told = (value: number) => (chances ? formatShare(value, 0) : formatNumber(value, 3));
  if (bins.length === 0) return <Text c="dimmed">No rows, no scores.</Text>;
  return (
    <figure style={{ margin: 0 }}>
      <svg viewBox={`0 0 ${WIDE} ${HIGH}`} className={classes.plot} role="img" aria-label={bins.map((bin) => `${told(bin.low)} to ${told(bin.high)}: ${bin.n}`).join("; ")}>
        {bins.map((bin) => {
          const tall = placed(bin.n, 0, most, 0, HIGH - FOOT - 10);
          return <rect key={bin.low} x={x(bin.low) + 0.5} width={Math.max(1, x(bin.high) - x(bin.low) - 1)} y={HIGH - FOOT - tall} height={tall} fill="var(--ls-accent)" fillOpacity={0.8}><title>{`${told(bin.low)} to ${told(bin.high)}: ${bin.n}`}</title></rect>;
        })}
        <line x1={x(middle)} x2={x(middle)} y1={6} y2={HIGH - FOOT} stroke="var(--ls-text)" />
        <line x1={10} x2={WIDE - 10} y1={HIGH - FOOT} y2={HIGH - FOOT} stroke="var(--ls-line)" />
        <text x={10} y={HIGH - 10} fontSize={11} fill="var(--ls-muted)">{told(low)}</text>
        <text x={WIDE - 10} y={HIGH - 10} textAnchor="end" fontSize={11} fill="var(--ls-muted)">{told(high)}</text>
        {x(middle) > 70 && x(middle) < WIDE - 70 ? <text x={x(middle)} y={HIGH - 10} textAnchor="middle" fontSize={11} fill="var(--ls-muted)">{told(middle)}</text> : null}
      </svg>
      <figcaption><Text size="xs" c="dimmed">{chances ? "How sure the model is that each is right; right of the line it takes it for right." : "Score less the grade on the model's scale; at the line it is not off at all."}</Text></figcaption>
    </figure>
  );
}
