import { Anchor, Progress, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { overviewQuery } from "@/api/annotation";
import type { Campaign, Interval, Verdict } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { formatDuration, formatNumber, formatShare, MISSING } from "@/ui/numbers";
import { Panel } from "@/ui/panel";
import { Time } from "@/ui/time";
import classes from "./annotate.module.css";
import { Guidelines } from "./guidelines";
import { leftOutWords } from "./left-out";
import { verdictWords } from "./verdicts";

/** How far the campaign is, how far people agree, whether a side is favoured. */
export function OverviewView({ campaign }: { campaign: Campaign }) {
  const query = useQuery(overviewQuery(campaign.id));
  if (query.isError && !query.data) return <FailedState error={query.error} onRetry={() => void query.refetch()} what="This campaign" />;
  if (!query.data) return <LoadingState rows={6} />;
  const { progress, agreement, a_share, known, verdicts, conflicts, unresolved, flagged, set_aside, median_seconds } = query.data;
  const conflictsAt = `/p/${campaign.project_id}/annotate/${campaign.id}/conflicts`;
  return (
    <div className={classes.stack}>
      <Panel title="Progress">
        <Progress value={progress.wanted ? (100 * progress.judgments) / progress.wanted : 0} size={8} mb={12} aria-label="Judgments made" />
        <dl className={classes.figures}>
          <Figure name="Pairs done" value={`${progress.done} of ${progress.tasks}`} more={set_aside ? `${set_aside} set aside after two skips` : undefined} />
          <Figure name="Judgments" value={`${progress.judgments} of ${progress.wanted}`} />
          <Figure name="Time left" value={progress.state === "finished" ? "done" : formatDuration(progress.eta_seconds)} more={progress.eta_seconds === null && progress.state === "open" ? "known after two judgments within an hour" : undefined} />
          <Figure name="Time for a pair" value={formatDuration(median_seconds)} more="median" />
          <div><dt>Conflicts</dt><dd><Anchor component={Link} to={conflictsAt} inherit>{conflicts}</Anchor><small>{unresolved} not resolved, {flagged} flagged</small></dd></div>
        </dl>
      </Panel>
      <Panel title="Agreement">
        {agreement.pairs === 0 ? <Text c="dimmed">{campaign.overlap > 1 ? "No pair was judged by two people yet." : "Each pair is judged by one person. Give pairs to two people or more to see how far they agree."}</Text> : (
          <dl className={classes.figures}>
            <Figure name="Same verdict" value={formatShare(agreement.raw)} more={`over ${agreement.pairs} pairs with two judgments or more`} />
            <Figure name="Krippendorff's α, sides" value={formatNumber(agreement.alpha, 3)} more="A, B, tie, both bad" />
            <Figure name="Krippendorff's α, strength" value={formatNumber(agreement.alpha_ordinal, 3)} more="five places from A much to B much" />
          </dl>
        )}
      </Panel>
      <Panel title="Verdicts">
        <dl className={classes.figures}>
          {Object.entries(verdicts).map(([verdict, count]) => <Figure key={verdict} name={verdictWords(verdict as Verdict)} value={String(count)} />)}
          <Figure name="Left side preferred" value={formatShare(a_share.value)} more={sideWords(a_share)} />
          {known.n > 0 ? <Figure name="As the source says" value={formatShare(known.value)} more={`${rangeWords(known)} of ${known.n} with a known better answer`} /> : null}
        </dl>
        {Object.keys(verdicts).length === 0 ? <Text c="dimmed" mt={8}>Nothing is judged yet.</Text> : null}
      </Panel>
      <Panel title="Question and source">
        <Text fw={600}><bdi>{campaign.question}</bdi></Text>
        <SourceWords campaign={campaign} />
        <Text c="dimmed" mt={4}>{leftOutWords(campaign.left_out)} Made <Time at={campaign.created_at} />.</Text>
        {campaign.guidelines ? <div style={{ marginTop: 8 }}><Guidelines text={campaign.guidelines} /></div> : null}
      </Panel>
    </div>
  );
}

function Figure({ name, value, more }: { name: string; value: string; more?: string }) {
  return <div><dt>{name}</dt><dd>{value}{more ? <small>{more}</small> : null}</dd></div>;
}

/** A side that is favoured lies outside what drawn sides would give. */
function sideWords(share: Interval): string {
  if (share.n === 0) return "no side was preferred yet";
  const biased = share.low !== null && share.high !== null && (share.low > 0.5 || share.high < 0.5);
  return `${rangeWords(share)}, n=${share.n}${biased ? ": a side is favoured" : ""}`;
}

function rangeWords(share: Interval): string {
  return share.low === null || share.high === null ? MISSING : `${formatShare(share.low, 0)} to ${formatShare(share.high, 0)}`;
}

function SourceWords({ campaign }: { campaign: Campaign }) {
  const source = campaign.source;
  if (!source) return null;
  if (source.kind === "rollouts") {
    const steps = [source.step_from === undefined ? null : `from step ${source.step_from as number}`, source.step_to === undefined ? null : `to step ${source.step_to as number}`].filter(Boolean).join(" ");
    return <Text mt={4}>Two answers of a group of <Anchor component={Link} to={`/p/${campaign.project_id}/runs/${String(source.run_id)}/rollouts`} underline="always">the run's rollouts</Anchor> {steps}</Text>;
  }
  if (source.kind === "samples") return <Text mt={4}>{source.pair === "between" ? "One answer of each of two models" : "Two answers of one model"}, from samples</Text>;
  return <Text mt={4}>Pairs of the data-set version <Text span ff="monospace" size="xs">{String(source.version_id)}</Text>, split {String(source.split)}</Text>;
}
