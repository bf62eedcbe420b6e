import { Button, Group } from "@mantine/core";
import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { rolloutQuery } from "@/api/run";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { useShortcuts } from "@/ui/shortcuts";
import { toast, toastError } from "@/ui/toasts";
import { useRun } from "../run-context";
import { AnswerDiff } from "./answer-diff";
import { AnswerGroup } from "./answer-group";
import { followPrompt } from "./follow-prompt";
import { nextAnswer, opposite } from "./other-answer";
import { TokenView } from "./token-view";

/** What the address holds of the open rollout. */
export interface LensSearch {
  ro?: number;
  ans?: number;
  ch?: string;
  tok?: number;
  /** The answer the picked one is compared with. */
  vs?: number;
}

/** The open prompt: its answers side by side, the picked one token by token. */
export function OpenRollout({ cursor, search, onSearch }: { cursor: number; search: LensSearch; onSearch: (change: Partial<LensSearch>) => void }) {
  const { run } = useRun();
  const client = useQueryClient();
  const query = useQuery(rolloutQuery(run.id, cursor));
  const rollout = query.data;
  const follow = async (way: 1 | -1): Promise<void> => {
    if (!rollout) return;
    const found = await followPrompt(run.id, rollout, way).catch(toastError);
    if (found) {
      await client.prefetchQuery(rolloutQuery(run.id, found.cursor));
      onSearch({ ro: found.cursor, tok: undefined, vs: undefined });
    } else if (found === null) toast(way === 1 ? "This prompt was not drawn again later." : "This prompt was not drawn before.");
  };
  const picked = Math.min(search.ans ?? bestAnswer(rollout?.answers.map((answer) => answer.reward) ?? []), (rollout?.answers.length ?? 1) - 1);
  const other = search.vs !== undefined && search.vs !== picked && rollout?.answers[search.vs] ? search.vs : undefined;
  const diff = (): void => onSearch({ vs: other === undefined ? opposite(rollout?.answers ?? [], picked) : undefined });
  useShortcuts("Prompt", [
    { keys: "[", label: "This prompt at an earlier step", run: () => void follow(-1) },
    { keys: "]", label: "This prompt at a later step", run: () => void follow(1) },
    { keys: "d", label: "Compare two answers word by word", run: diff },
    { keys: "D", label: "Compare with the next answer", run: () => onSearch({ vs: nextAnswer(rollout?.answers.length ?? 0, picked, other) }) },
  ]);
  if (query.isError) return <FailedState error={query.error} onRetry={() => void query.refetch()} what="This rollout" />;
  if (!rollout) return <LoadingState rows={6} />;
  const hasTokens = rollout.answers.some((answer) => answer.tokens);
  const config = (run.spec.config ?? {}) as { epsilon?: unknown };
  return (
    <div>
      <Group gap={8} mb={8}>
        <Button variant="default" size="compact-xs" leftSection={<IconChevronLeft size={14} />} onClick={() => void follow(-1)} title="[">Earlier step</Button>
        <Button variant="default" size="compact-xs" rightSection={<IconChevronRight size={14} />} onClick={() => void follow(1)} title="]">Later step</Button>
        {rollout.answers.length > 1 && <Button variant={other === undefined ? "default" : "light"} size="compact-xs" aria-pressed={other !== undefined} onClick={diff} title="d">Compare two</Button>}
      </Group>
      <AnswerGroup run={run} rollout={rollout} picked={hasTokens || other !== undefined ? picked : undefined} other={other} onPick={(ans) => onSearch({ ans, tok: undefined })} onOther={(vs) => onSearch({ vs: vs === other ? undefined : vs })}>
        {other !== undefined && <AnswerDiff answers={rollout.answers} first={picked} second={other} onClose={() => onSearch({ vs: undefined })} />}
      </AnswerGroup>
      <TokenView
        answers={rollout.answers}
        picked={picked}
        channel={search.ch}
        token={search.tok}
        clipRange={typeof config.epsilon === "number" ? config.epsilon : null}
        onPick={(ans) => onSearch({ ans, tok: undefined })}
        onChannel={(ch) => onSearch({ ch })}
        onToken={(tok) => onSearch({ tok })}
      />
    </div>
  );
}

function bestAnswer(rewards: (number | null)[]): number {
  return rewards.reduce<number>((best, reward, index) => ((reward ?? -Infinity) > (rewards[best] ?? -Infinity) ? index : best), 0);
}
