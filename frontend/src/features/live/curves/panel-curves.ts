import type { Curve } from "@/charts/curve";
import { withIntervals } from "@/charts/intervals";
import { curveLabel, type MetricInfo, type Panel } from "@/charts/panels";
import { panelSlots, SLOTS, strokes } from "@/charts/slots";
import type { RunFeed } from "../run-feed";

/** A run on the charts. */
export interface ChartedRun {
  id: string;
  name: string;
  colour: number;
  feed: RunFeed;
  /** Unix seconds where its time axis begins. */
  origin: number;
}

/**
 * The curves of a panel. One run alone shows several metrics in neighbouring colours; beside other runs each keeps
 * its own colour and its metrics differ by their dashes.
 */
export function panelCurves(panel: Panel, runs: ChartedRun[], catalogue: MetricInfo[]): Curve[] {
  const alone = runs.length === 1;
  const pairs = runs.flatMap((run) => panel.metrics.map((metric, index) => ({ run, metric, index })));
  const slots = pairs.map(({ run, index }) => (alone ? (panelSlots(run.colour, SLOTS)[index % SLOTS] as number) : run.colour));
  return strokes(slots).map((stroke, index) => {
    const { run, metric } = pairs[index] as (typeof pairs)[number];
    const metricName = curveLabel(metric, catalogue);
    const counted = catalogue.find((info) => info.name === metric)?.share_of;
    return {
      id: `${run.id} ${metric}`,
      label: alone ? metricName : panel.metrics.length === 1 ? run.name : `${metricName} ${run.name}`,
      series: () => (counted ? withIntervals(run.feed.series.get(metric), run.feed.series.get(counted)) : run.feed.series.get(metric)),
      interval: Boolean(counted),
      colour: stroke.grey ? "--ls-control" : `--ls-run-${stroke.slot}`,
      dash: stroke.dash,
      origin: () => run.origin,
    };
  });
}
