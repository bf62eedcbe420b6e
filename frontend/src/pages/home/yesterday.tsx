import { Anchor, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { RunSummary } from "@/api/shapes";
import { RunLine } from "@/features/home/run-line";
import { formatNumber } from "@/ui/numbers";
import { Panel } from "@/ui/panel";
import { Time } from "@/ui/time";
import classes from "./home-page.module.css";

interface Props { ended: RunSummary[]; best: { name: string; value: number; run: RunSummary } | null }

/** "eval/exact_match" → "held-out exact match". */
function metricWords(name: string): string {
  return name.replace(/^eval\//, "held-out ").replace(/[/_]+/g, " ");
}

/** What ended within the last day, and the best evaluation among it. */
export function Yesterday({ ended, best }: Props) {
  const note = best ? (
    <Text size="xs" c="dimmed">
      best {metricWords(best.name)} {formatNumber(best.value, 3)} by <Anchor component={Link} size="xs" underline="always" to={`/p/${best.run.project_id}/runs/${best.run.id}/curves`}>{best.run.name}</Anchor>
    </Text>
  ) : null;
  return (
    <Panel title={`Ended within a day${ended.length ? `: ${ended.length}` : ""}`} label="Ended within a day" actions={note} flush>
      {ended.length > 0 ? (
        <ul className={classes.list}>{ended.slice(0, 12).map((run) => <RunLine key={run.id} run={run} canEdit={false} aside={<Text size="xs" c="dimmed"><Time at={run.finished_at} /></Text>} />)}</ul>
      ) : <Text c="dimmed" p={12}>Nothing ended within the last day.</Text>}
    </Panel>
  );
}
