import { useCallback, useMemo, useState } from "react";
import { CurvePanel } from "@/charts/curve-panel";
import type { MetricInfo, Panel } from "@/charts/panels";
import { toast } from "@/ui/toasts";
import type { Mark } from "../run-view";
import classes from "./curves.module.css";
import { panelCurves, type ChartedRun } from "./panel-curves";
import type { ChartView, CurvesSearch } from "./use-chart-view";

interface Props {
  panels: Panel[];
  runs: ChartedRun[];
  catalogue: MetricInfo[];
  chart: ChartView;
  marks: Mark[];
  held: boolean;
  pinned: string[];
  first: string[];
  onHover: (key: string | null) => void;
  onWiden: (key: string) => void;
  onFirst: (key: string) => void;
  onSearch: (change: Partial<CurvesSearch>) => void;
}

/** The charts of a run by kind. All share one cursor; while one is hovered none of them moves its axis. */
export function PanelGrid(props: Props) {
  return <div className={props.runs.length > 1 ? classes.overlaid : classes.grid}>{props.panels.map((panel) => <OnePanel key={panel.key} panel={panel} {...props} />)}</div>;
}

function OnePanel({ panel, runs, catalogue, chart, marks, held, pinned, first, onHover, onWiden, onFirst, onSearch }: Props & { panel: Panel }) {
  const [inside, setInside] = useState(false);
  const metrics = panel.metrics.join("\n");
  const curves = useMemo(() => panelCurves(panel, runs, catalogue), [metrics, runs, catalogue]); // eslint-disable-line react-hooks/exhaustive-deps -- a panel is its metrics
  const subscribe = useCallback((listener: () => void) => {
    const stops = runs.map((run) => run.feed.series.subscribe(listener));
    return () => stops.forEach((stop) => stop());
  }, [runs]);
  const places = marks.filter((mark) => mark.kind === "change" || mark.kind === "resume").map((mark) => chart.toX(mark.step)).join(",");
  const lines = useMemo(() => (places === "" ? [] : places.split(",").map(Number)), [places]);
  return (
    <CurvePanel
      title={panel.title}
      unit={panel.unit}
      help={panel.help}
      curves={curves}
      view={chart.view}
      range={chart.range}
      marks={lines}
      held={held || inside}
      syncKey={`run ${chart.view.axis}`}
      double={panel.metrics.length > 1}
      wide={pinned.includes(panel.key)}
      subscribe={subscribe}
      onZoom={(range) => onSearch({ zoom: chart.zoomText(range) })}
      onPick={(x) => onSearch({ at: chart.toStep(x) })}
      onHover={(over) => {
        setInside(over);
        onHover(over ? panel.key : null);
      }}
      onWide={() => onWiden(panel.key)}
      first={first.includes(panel.key)}
      onFirst={() => onFirst(panel.key)}
      onCopied={(how) => toast(how === "copied" ? "Chart copied as PNG." : "Chart saved as PNG.")}
    />
  );
}
