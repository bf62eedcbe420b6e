import { Button, Group, SegmentedControl, Text } from "@mantine/core";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { resolvePair, reviewQuery } from "@/api/annotation";
import type { Campaign, ReviewedPair, Verdict } from "@/api/shapes";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { useShortcuts } from "@/ui/shortcuts";
import { toastError } from "@/ui/toasts";
import classes from "./annotate.module.css";
import { PairView } from "./pair-view";
import { choicesOf, verdictWords } from "./verdicts";

interface Props { campaign: Campaign; what: "conflicts" | "flagged"; canEdit: boolean; onWhat: (what: "conflicts" | "flagged") => void }

/** Pairs on which people chose different sides, or that somebody flagged; an editor's verdict stands instead of theirs. */
export function ConflictsView({ campaign, what, canEdit, onWhat }: Props) {
  const client = useQueryClient();
  const query = useInfiniteQuery(reviewQuery(campaign.id, what));
  const [open, setOpen] = useState(0);
  const pairs = query.data?.pages.flatMap((page) => page.items) ?? [];
  const at = Math.min(open, Math.max(0, pairs.length - 1));
  const go = (to: number): void => {
    const next = Math.min(Math.max(0, to), pairs.length - 1);
    setOpen(next);
    document.getElementById(`pair-${pairs[next]?.id}`)?.scrollIntoView({ block: "nearest" });
  };
  const resolve = (pair: ReviewedPair | undefined, verdict: Verdict): void => {
    if (!pair || !canEdit) return;
    resolvePair(campaign.id, pair.id, verdict).then(() => client.invalidateQueries({ queryKey: ["campaign", campaign.id] }), toastError).catch(toastError);
    if (verdict !== "skip" && pair === pairs[at]) go(at + 1);
  };
  const choices = choicesOf(campaign);
  useShortcuts("Conflicts", [
    { keys: "j", label: "Next pair", run: () => go(at + 1) },
    { keys: "k", label: "Pair before", run: () => go(at - 1) },
    ...(canEdit ? choices.map(({ verdict, key, label }) => ({ keys: key, label: `Resolve: ${label}`, run: () => resolve(pairs[at], verdict) })) : []),
  ]);
  return (
    <div className={classes.stack}>
      <Group><SegmentedControl aria-label="Which pairs" value={what} onChange={(value) => onWhat(value as Props["what"])} data={[{ value: "conflicts", label: "Conflicts" }, { value: "flagged", label: "Flagged" }]} /></Group>
      {query.isError ? <FailedState error={query.error} onRetry={() => void query.refetch()} what="Pairs" /> : null}
      {query.isPending ? <LoadingState rows={5} /> : null}
      {query.isSuccess && pairs.length === 0 ? (
        <EmptyState title={what === "conflicts" ? "No conflicts" : "Nothing is flagged"} api={`GET /api/v1/campaigns/${campaign.id}/review?what=${what}`}>
          {what === "flagged" ? "Pairs that somebody marks with f appear here." : campaign.overlap > 1 ? "Pairs on which people choose different sides appear here." : "Each pair is judged by one person, so nobody can disagree."}
        </EmptyState>
      ) : null}
      {pairs.map((pair, index) => (
        <article key={pair.id} id={`pair-${pair.id}`} className={classes.conflict} data-open={index === at} aria-label={`Pair ${pair.number}`} onFocus={() => setOpen(index)}>
          <PairView pair={pair} question={`Pair ${pair.number}`} of={` of pair ${pair.number}`} />
          <ul className={classes.votes}>
            {pair.votes.map((vote, number) => <li key={number}><strong><bdi>{vote.annotator}</bdi></strong>: {verdictWords(vote.verdict)}{vote.flagged ? " · flagged" : ""}{vote.comment ? <> · <bdi>{vote.comment}</bdi></> : null}</li>)}
          </ul>
          <Group mt={8} gap={8}>
            {pair.resolution ? <Text>Resolved by <bdi>{pair.resolved_by ?? "somebody"}</bdi>: <strong>{verdictWords(pair.resolution)}</strong></Text> : null}
            {canEdit && pair.resolution ? <Button variant="subtle" size="compact-sm" onClick={() => resolve(pair, "skip")}>Take back</Button> : null}
            {canEdit && !pair.resolution ? choices.map(({ verdict, label }) => <Button key={verdict} variant="default" size="compact-sm" aria-label={`Resolve pair ${pair.number}: ${label}`} onClick={() => resolve(pair, verdict)}>{label}</Button>) : null}
          </Group>
        </article>
      ))}
      {query.hasNextPage ? <Button variant="subtle" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>More</Button> : null}
    </div>
  );
}
