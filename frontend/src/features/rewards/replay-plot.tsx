import { Text } from "@mantine/core";
import type { ScoredPrompt } from "@/api/shapes";
import classes from "./rewards.module.css";
import { placed } from "./plot-scale";

const SIZE = 220;
const EDGE = 28;

/** Old advantage against new, one point an answer: on the diagonal nothing changes, in the other corners the sign turns. */
export function ReplayPlot({ prompts }: { prompts: ScoredPrompt[] }) {
  const points = prompts.flatMap((prompt) => prompt.answers.flatMap((answer) => (answer.old_advantage === null || answer.advantage === null ? [] : [{ old: answer.old_advantage, now: answer.advantage }])));
  const turned = points.filter(({ old, now }) => old * now < 0).length;
  const reach = Math.max(0.5, ...points.flatMap(({ old, now }) => [Math.abs(old), Math.abs(now)])) * 1.05;
  const at = (value: number) => placed(value, -reach, reach, EDGE, SIZE - 8);
  const middle = at(0);
  const said = `${points.length} answers; the advantage of ${turned} changes its sign`;
  return (
    <figure style={{ margin: "0 0 12px" }}>
      <svg viewBox={`0 0 ${SIZE} ${SIZE}`} className={classes.plot} style={{ maxWidth: 260 }} role="img" aria-label={`Old against new advantage: ${said}`}>
        <rect x={EDGE} y={8} width={SIZE - EDGE - 8} height={SIZE - EDGE - 8} fill="none" stroke="var(--ls-line)" />
        <line x1={middle} x2={middle} y1={8} y2={SIZE - EDGE} stroke="var(--ls-line)" />
        <line x1={EDGE} x2={SIZE - 8} y1={SIZE - middle} y2={SIZE - middle} stroke="var(--ls-line)" />
        <line x1={EDGE} x2={SIZE - 8} y1={SIZE - EDGE} y2={8} stroke="var(--ls-control)" strokeDasharray="4 3" />
        {points.map(({ old, now }, index) => <circle key={index} cx={at(old)} cy={SIZE - at(now)} r={3} fill={old * now < 0 ? "var(--ls-bad)" : "var(--ls-accent)"} fillOpacity={0.65} />)}
        <text x={SIZE - 8} y={SIZE - 10} textAnchor="end" fontSize={10} fill="var(--ls-muted)">old advantage</text>
        <text x={10} y={12} fontSize={10} fill="var(--ls-muted)" transform="rotate(-90 10 12)" textAnchor="end">new advantage</text>
      </svg>
      <figcaption><Text size="xs" c="dimmed">{said}.</Text></figcaption>
    </figure>
  );
}
