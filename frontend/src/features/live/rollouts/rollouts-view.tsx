import { Button, Chip, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useRef, useState } from "react";
import type { RolloutFilter } from "@/api/run";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { useHeldKey } from "@/ui/held-key";
import { isActive } from "@/ui/run-states";
import { useShortcuts } from "@/ui/shortcuts";
import { useRun } from "../run-context";
import { OpenRollout, type LensSearch } from "./open-rollout";
import { RewardHistogram } from "./reward-histogram";
import { RolloutList } from "./rollout-list";
import classes from "./rollouts.module.css";
import { useRollouts } from "./use-rollouts";

export interface RolloutsSearch extends LensSearch {
  q?: string;
  step?: string;
  sort?: "newest" | "reward" | "-reward";
}

/** What the policy wrote: a filter and a histogram, the prompts, and the open prompt's group. */
export function RolloutsView({ search, onSearch }: { search: RolloutsSearch; onSearch: (change: Partial<RolloutsSearch>) => void }) {
  const { run, feed, canEdit } = useRun();
  const [range, setRange] = useState<[number, number] | null>(null);
  const find = useRef<HTMLInputElement>(null);
  const [follow, setFollow] = useState(true);
  const [inside, setInside] = useState(false);
  const pressed = useHeldKey(" ");
  const live = isActive(run.state);
  const newest = (search.sort ?? "newest") === "newest";
  const following = live && follow && newest && search.ro === undefined;
  const filter = filterOf(search);
  const { query, items, waiting, show } = useRollouts(feed, filter, following && !pressed && !inside);
  const typed = useDebouncedCallback((q: string) => onSearch({ q: q || undefined }), 250);
  const rewards = items.flatMap((rollout) => rollout.answers.flatMap((answer) => answer.reward ?? []));
  const inRange = (reward: number | null): boolean => range === null || (reward !== null && reward >= range[0] && reward <= range[1]);
  const shown = items.filter((rollout) => rollout.answers.some((answer) => inRange(answer.reward)));
  const open = search.ro ?? shown[0]?.cursor;
  const go = (by: number): void => {
    const next = shown[shown.findIndex((rollout) => rollout.cursor === open) + by];
    if (next) onSearch({ ro: next.cursor, tok: undefined, ans: undefined, vs: undefined });
  };
  useShortcuts("Rollouts", [
    { keys: "/", label: "Filter", run: () => find.current?.focus() },
    { keys: "j", label: "Next prompt", run: () => go(1) },
    { keys: "k", label: "Prompt before", run: () => go(-1) },
  ]);

  if (query.isError) return <FailedState error={query.error} onRetry={() => void query.refetch()} what="Rollouts" />;
  if (query.isPending) return <LoadingState rows={8} />;
  const filtered = Boolean(search.q ?? search.step);
  if (items.length === 0 && !filtered) {
    return (
      <EmptyState title="No rollouts yet" api={`GET /api/v1/runs/${run.id}/rollouts`}>
        {isActive(run.state) ? "They come every few steps. Press m to write those of the next step." : "This run wrote none."}
      </EmptyState>
    );
  }
  return (
    <div className={classes.layout}>
      <div className={classes.side} onPointerEnter={() => setInside(true)} onPointerLeave={() => setInside(false)}>
        <TextInput ref={find} aria-label="Filter prompts and answers" placeholder="Filter prompts and answers" leftSection={<IconSearch size={16} />} defaultValue={search.q} onChange={(event) => typed(event.currentTarget.value)} />
        <div style={{ display: "flex", gap: 8 }}>
          <Select flex={1} aria-label="Sort" value={search.sort ?? "newest"} onChange={(sort) => onSearch({ sort: sort as RolloutsSearch["sort"] })} data={[{ value: "newest", label: "Newest first" }, { value: "-reward", label: "Best reward first" }, { value: "reward", label: "Worst reward first" }]} />
          <TextInput w={110} aria-label="Step or range of steps" placeholder="step 0-100" defaultValue={search.step} key={search.step} onBlur={(event) => onSearch({ step: event.currentTarget.value || undefined })} onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()} />
        </div>
        {live && (
          <div className={classes.flow}>
            <Chip size="xs" checked={following} onChange={(on) => { setFollow(on); if (on) onSearch({ ro: undefined, ans: undefined, tok: undefined, vs: undefined, sort: undefined }); }}>follow the newest</Chip>
            <Text size="xs" c="dimmed" role="status">{following ? (pressed ? "held" : inside ? "waits while you point here" : "hold space to pause") : ""}</Text>
          </div>
        )}
        {canEdit && items.length > 0 && (
          <Button variant="default" size="compact-sm" renderRoot={(props) => <Link to="/p/$projectId/annotate/new" params={{ projectId: run.project_id }} search={{ run: run.id, from: filter.step_from, to: filter.step_to }} {...props} />}>
            Annotate these
          </Button>
        )}
        <RewardHistogram rewards={rewards} range={range} onRange={setRange} />
        {waiting > 0 && <Button variant="light" size="compact-sm" onClick={show}>{waiting} new ↑</Button>}
        <RolloutList
          items={shown}
          open={open}
          onOpen={(ro) => onSearch({ ro, tok: undefined, ans: undefined, vs: undefined })}
          more={
            query.hasNextPage ? <Button fullWidth variant="subtle" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>More</Button>
            : shown.length === 0 ? <Text p={12} c="dimmed">No rollout fits. Widen the filter.</Text> : null
          }
        />
      </div>
      {open !== undefined && <OpenRollout key={open} cursor={open} search={search} onSearch={onSearch} />}
    </div>
  );
}

function filterOf(search: RolloutsSearch): RolloutFilter {
  const [from, to] = (search.step ?? "").split("-").map((part) => (part.trim() === "" ? undefined : Number(part)));
  const single = search.step !== undefined && !search.step.includes("-");
  return { q: search.q, sort: search.sort ?? "newest", step_from: whole(from), step_to: whole(single ? from : to) };
}

function whole(value: number | undefined): number | undefined {
  return value !== undefined && Number.isInteger(value) ? value : undefined;
}
