import { Link } from "@tanstack/react-router";
import type { CSSProperties } from "react";
import type { RecipeStage, StageSketch } from "@/api/shapes";
import { StateBadge } from "@/ui/state-badge";
import { layOut, type Placed } from "./graph-layout";
import classes from "./recipe-graph.module.css";
import { KINDS, STAGE_STATES } from "./stage-looks";
import { stageNote } from "./stage-note";

const WIDTH = 144;
const HEIGHT = 76;
const ACROSS = 20;
const DOWN = 20;

type Shown = RecipeStage | StageSketch;
interface Props { stages: Shown[]; chosen?: string; to?: string }

/**
 * The stages and what follows from what. Nodes are links in the order of the recipe, so that the same things are
 * reached by keys; a phone gets them as a list. A recipe has some ten nodes, all seen at once: no panning, no zoom.
 */
export function RecipeGraph({ stages, chosen, to }: Props) {
  const layout = layOut(stages);
  const places = new Map(layout.nodes.map((node) => [node.name, node]));
  const size = { width: layout.columns * (WIDTH + ACROSS) - ACROSS, height: layout.rows * (HEIGHT + DOWN) - DOWN };
  return (
    <>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached by keys, and a preview holds no link */}
      <div className={`${classes.scroll} ${classes.wide}`} role="group" aria-label="Graph of the stages" tabIndex={0}>
        <div className={classes.graph} style={size}>
          <svg className={classes.edges} width={size.width} height={size.height} aria-hidden>
            {layout.edges.map((edge) => (
              <path key={`${edge.from} ${edge.to}`} d={line(places.get(edge.from), places.get(edge.to))} data-done={isDone(stages.find((one) => one.name === edge.from))} />
            ))}
          </svg>
          {stages.map((stage) => <Node key={stage.name} stage={stage} all={stages} chosen={stage.name === chosen} to={to} style={boxOf(places.get(stage.name))} />)}
        </div>
      </div>
      <ol className={`${classes.list} ${classes.narrow}`} aria-label="Stages">
        {stages.map((stage) => <li key={stage.name}><Node stage={stage} all={stages} chosen={stage.name === chosen} to={to} /></li>)}
      </ol>
    </>
  );
}

function Node({ stage, all, chosen, to, style }: { stage: Shown; all: Shown[]; chosen: boolean; to?: string; style?: CSSProperties }) {
  const kind = KINDS[stage.kind];
  const Icon = kind.icon;
  const look = "state" in stage ? STAGE_STATES[stage.state] : null;
  const inside = (
    <>
      <span className={classes.name}><Icon size={14} aria-hidden />{stage.title}</span>
      {look ? <StateBadge look={look} /> : null}
      <span className={classes.note}>{"state" in stage ? stageNote(stage, all) : kind.word}</span>
    </>
  );
  const drawn = { ...style, borderLeftColor: look?.colour };
  if (!to) return <div className={classes.node} style={drawn}>{inside}</div>;
  return <Link to={to} search={{ node: stage.name }} replace className={classes.node} style={drawn} aria-current={chosen ? "true" : undefined} data-stage={stage.name}>{inside}</Link>;
}

function boxOf(place: Placed | undefined): CSSProperties {
  return { left: (place?.column ?? 0) * (WIDTH + ACROSS), top: (place?.row ?? 0) * (HEIGHT + DOWN), width: WIDTH, height: HEIGHT };
}

/** From the right side of one node to the left side of the other. */
function line(from: Placed | undefined, to: Placed | undefined): string {
  if (!from || !to) return "";
  const [x1, y1] = [from.column * (WIDTH + ACROSS) + WIDTH, from.row * (HEIGHT + DOWN) + HEIGHT / 2];
  const [x2, y2] = [to.column * (WIDTH + ACROSS), to.row * (HEIGHT + DOWN) + HEIGHT / 2];
  const bend = Math.max(ACROSS / 2, (x2 - x1) / 3);
  return `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function isDone(stage: Shown | undefined): boolean {
  return stage !== undefined && "state" in stage && (stage.state === "succeeded" || stage.state === "reused");
}
