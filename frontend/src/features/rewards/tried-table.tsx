import { Button, Group, SegmentedControl, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Fragment, useState } from "react";
import { triedQuery, type TriedOnly, type TriedSort } from "@/api/rewards";
import type { RewardPipeline, ScoredAnswer, ScoredPrompt } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { formatNumber } from "@/ui/numbers";
import { ReplayPlot } from "./replay-plot";
import classes from "./rewards.module.css";

/** The answers of a trial under their prompts, each with its terms, reward and, in a replay, what it was before. */
export function TriedTable({ trialId, pipeline, replay }: { trialId: string; pipeline: RewardPipeline; replay: boolean }) {
  const [sort, setSort] = useState<TriedSort>(replay ? "shift" : "asked");
  const [only, setOnly] = useState<TriedOnly>("");
  const query = useInfiniteQuery(triedQuery(trialId, sort, only));
  const prompts = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div>
      {replay ? (
        <Group gap={8} mb={8}>
          <SegmentedControl size="xs" aria-label="Order" value={sort} onChange={(value) => setSort(value as TriedSort)} data={[{ value: "shift", label: "Moved most" }, { value: "asked", label: "As written" }]} />
          <SegmentedControl size="xs" aria-label="Show" value={only} onChange={(value) => setOnly(value as TriedOnly)} data={[{ value: "", label: "All groups" }, { value: "reordered", label: "Order changes" }, { value: "flat", label: "Flat now" }]} />
        </Group>
      ) : null}
      {query.isError ? <FailedState error={query.error} onRetry={() => void query.refetch()} what="Answers" /> : null}
      {query.isPending ? <LoadingState rows={6} /> : null}
      {query.data && prompts.length === 0 ? <Text c="dimmed">No such group.</Text> : null}
      {replay && prompts.length > 0 ? <ReplayPlot prompts={prompts} /> : null}
      {prompts.length > 0 ? (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard
        <div className={classes.wrap} tabIndex={0} role="region" aria-label="Answers">
          <table className={classes.table}>
            <thead>
              <tr>
                <th scope="col">Answer</th>
                {pipeline.terms.map((term) => <th scope="col" key={term.name} className={classes.number}>{term.name}</th>)}
                <th scope="col" className={classes.number}>Reward</th><th scope="col" className={classes.number}>Rank</th><th scope="col" className={classes.number}>Advantage</th>
              </tr>
            </thead>
            <tbody>
              {prompts.map((prompt, index) => (
                <Fragment key={`${prompt.cursor ?? prompt.row ?? index}`}>
                  <PromptRow prompt={prompt} columns={pipeline.terms.length + 4} />
                  {prompt.answers.map((answer, at) => <AnswerRow key={at} answer={answer} pipeline={pipeline} replay={replay} />)}
                </Fragment>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {query.hasNextPage ? <Button mt={8} variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>More</Button> : null}
    </div>
  );
}

function PromptRow({ prompt, columns }: { prompt: ScoredPrompt; columns: number }) {
  const facts = [prompt.step === null ? "" : `step ${prompt.step}`, prompt.row === null ? "" : `row ${prompt.row + 1}`, prompt.reference === null ? "" : `reference ${prompt.reference.slice(0, 60)}`, prompt.flat ? "flat: nothing learned" : "", prompt.reordered ? "order changes" : ""].filter(Boolean);
  return (
    <tr className={classes.prompt}>
      <td colSpan={columns}><p className={classes.text} style={{ maxWidth: "100%" }}>{prompt.prompt || "(no prompt)"}</p><Text size="xs" c="var(--ls-muted)">{facts.join(" · ")}</Text></td>
    </tr>
  );
}

function AnswerRow({ answer, pipeline, replay }: { answer: ScoredAnswer; pipeline: RewardPipeline; replay: boolean }) {
  return (
    <tr>
      <td><p className={classes.text}>{answer.text || "(empty)"}</p>{answer.label ? <Text size="xs" c="var(--ls-muted)">{answer.label}</Text> : null}</td>
      {pipeline.terms.map((term) => {
        const value = answer.terms[term.name];
        const moved = Boolean(term.transforms?.length) && value?.value !== null;
        return (
          <td key={term.name} className={classes.number} title={value?.error || undefined}>
            {value?.error ? <span style={{ color: "var(--ls-bad)" }}>✕ {formatNumber(value.value, 3)}</span> : formatNumber(value?.value, 3)}
            {moved ? <> → {formatNumber(value?.transformed, 3)}</> : null}
            {value && value.open !== null ? <> {value.open ? "open" : "shut"}</> : null}
          </td>
        );
      })}
      <td className={classes.number}>{replay ? <>{formatNumber(answer.old_reward, 3)} → </> : null}<strong>{formatNumber(answer.reward, 3)}</strong></td>
      <td className={classes.number}>{replay ? <>{formatNumber(answer.old_rank)} → </> : null}{formatNumber(answer.rank)}</td>
      <td className={classes.number}>{replay ? <>{formatNumber(answer.old_advantage, 2)} → </> : null}{formatNumber(answer.advantage, 2)}</td>
    </tr>
  );
}
