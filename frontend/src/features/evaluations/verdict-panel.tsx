import { Alert, Group, Text } from "@mantine/core";
import type { Comparison } from "@/api/shapes";
import { formatNumber } from "@/ui/numbers";
import { Panel } from "@/ui/panel";
import classes from "./evaluations.module.css";
import { bounds, metricTitle, pText, shortInterval, signed } from "./words";

/** The verdict first, then what it rests on. */
export function VerdictPanel({ found, children }: { found: Comparison; children?: React.ReactNode }) {
  const facts: [string, string][] = [
    [found.first_model_name, shortInterval(found.first)],
    [found.model_name, shortInterval(found.second)],
    ["Difference", `${signed(found.difference.value)} ${bounds(found.difference)}`],
    ["p", `${pText(found.p_value)} (${found.test === "mcnemar" ? "McNemar, exact" : found.test})`],
    ["Items", found.items.toLocaleString("en")],
    ["Flipped", `${found.gained} gained, ${found.lost} lost`],
    ["Smallest difference so many items show", found.detectable === null ? "–" : `${formatNumber(found.detectable, 2)} at 80 % power`],
  ];
  return (
    <Panel title={`Verdict: ${metricTitle(found.metric).toLowerCase()}`} actions={children}>
      <p className={classes.verdict} role="status">{found.sentence}</p>
      <Group component="dl" gap={24} mt={12} mb={0}>
        {facts.map(([term, text]) => <div key={term}><Text component="dt" size="xs" c="dimmed">{term}</Text><Text component="dd" m={0}>{text}</Text></div>)}
      </Group>
      {found.settings.length > 0 ? <Alert mt={12} color="var(--ls-warn)" variant="outline">The two answered under different settings: {found.settings.join("; ")}.</Alert> : null}
      {found.unmatched > 0 ? <Text mt={8} c="dimmed">{found.unmatched.toLocaleString("en")} items stand in only one of the two and are not counted.</Text> : null}
    </Panel>
  );
}
