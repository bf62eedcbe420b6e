import { Button, Group, Loader, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconCircleX } from "@tabler/icons-react";
import type { Finding, PreflightReport } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { formatCount, formatDuration } from "@/ui/numbers";
import { MemoryBars } from "./memory-bars";
import classes from "./preflight-panel.module.css";
import type { Preflight } from "./use-preflight";

interface Props { preflight: Preflight; missing: string[]; onFix: (set: Record<string, unknown>) => void }

/** The third column: what a worker found about this draft, line by line, each fault with its fix. */
export function PreflightPanel({ preflight, missing, onFix }: Props) {
  const { state, report, job } = preflight;
  if (state === "idle") return <Text c="dimmed">Choose {listed(missing)}; then a worker checks whether it fits and how long it takes.</Text>;
  const facts = report ? estimates(report) : [];
  return (
    <Stack gap={12} aria-live="polite" aria-busy={state === "checking"}>
      {state === "checking" ? (
        <Group gap={8}><Loader size={14} /><Text c="dimmed">{job?.state === "queued" ? "Waiting for a worker" : (job?.doing || "Checking")}</Text></Group>
      ) : null}
      {state === "failed" ? <FailedState error={preflight.error} onRetry={preflight.retry} /> : null}
      {report && state !== "failed" ? (
        <div className={state === "checking" ? classes.dimmed : undefined}>
          <ul className={classes.findings}>
            {report.findings.map((finding, index) => <FindingLine key={`${finding.code}-${index}`} finding={finding} onFix={onFix} />)}
          </ul>
          {report.memory ? <MemoryBars memory={report.memory} /> : null}
          {facts.length > 0 ? <dl className={classes.facts}>{facts.map((fact) => <div key={fact.term}><dt>{fact.term}</dt><dd>{fact.text}</dd></div>)}</dl> : null}
        </div>
      ) : null}
    </Stack>
  );
}

const SIGNS = {
  ok: { icon: IconCircleCheck, colour: "var(--ls-ok)", word: "fits" },
  warning: { icon: IconAlertTriangle, colour: "var(--ls-warn)", word: "look" },
  error: { icon: IconCircleX, colour: "var(--ls-bad)", word: "stops the launch" },
};

function FindingLine({ finding, onFix }: { finding: Finding; onFix: Props["onFix"] }) {
  const sign = SIGNS[finding.level];
  const fix = finding.fix;
  return (
    <li className={classes.finding}>
      <sign.icon size={16} color={sign.colour} aria-label={sign.word} />
      <div>
        {finding.message}
        {fix ? <Button display="block" mt={4} size="compact-sm" variant="light" maw="100%" onClick={() => onFix(fix.set)}>{fix.label}</Button> : null}
      </div>
    </li>
  );
}

/** What preflight could estimate; a job without steps, such as sampling, leaves these unknown. */
function estimates(report: PreflightReport): { term: string; text: string }[] {
  const about = (seconds: number | null) => (seconds === null ? null : `~${formatDuration(seconds)}`);
  const count = (value: number | null) => (value === null ? null : formatCount(value));
  return [
    { term: "Steps", text: count(report.steps) },
    { term: "A step", text: about(report.step_seconds) },
    { term: "In all", text: about(report.total_seconds) },
    { term: "Parameters", text: count(report.parameters) },
    ...(report.trainable && report.trainable !== report.parameters ? [{ term: "Trained", text: count(report.trainable) }] : []),
  ].filter((fact): fact is { term: string; text: string } => fact.text !== null);
}

function listed(parts: string[]): string {
  return parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : (parts[0] ?? "what is missing");
}
