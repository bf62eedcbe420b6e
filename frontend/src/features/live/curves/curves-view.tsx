import { Text } from "@mantine/core";
import { useCallback, useMemo, useRef, useState } from "react";
import { AXIS_MODES } from "@/charts/axis";
import { MarksStrip } from "@/charts/marks-strip";
import { arranged, groupPanels } from "@/charts/panels";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { isActive } from "@/ui/run-states";
import { useShortcuts } from "@/ui/shortcuts";
import { toastError } from "@/ui/toasts";
import { useFeedState, useRun } from "../run-context";
import { CurvesToolbar } from "./curves-toolbar";
import classes from "./curves.module.css";
import { OverlayPicker } from "./overlay-picker";
import { PanelGrid } from "./panel-grid";
import { StepDrawer } from "./step-drawer";
import { useChartView, type CurvesSearch } from "./use-chart-view";
import { useLoadedCurves, useMetricNames } from "./use-metric-names";
import { charted, useOverlayRuns } from "./use-overlay-runs";

interface Props {
  search: CurvesSearch;
  onSearch: (change: Partial<CurvesSearch>) => void;
  /** Which curves belong on this tab. */
  keep: (name: string) => boolean;
}

/** The grid of a run's curves with its toolbar, its strip of marks and the answers behind a point. */
export function CurvesView({ search, onSearch, keep }: Props) {
  const { run, feed, method } = useRun();
  const { view: state } = useFeedState(feed);
  const { names, loading, error, retry } = useMetricNames(feed, keep);
  const [held, setHeld] = useState(false);
  const [picking, setPicking] = useState(false);
  const hovered = useRef<string | null>(null);
  const onHover = useCallback((key: string | null) => {
    hovered.current = key;
  }, []);
  const find = useRef<HTMLInputElement>(null);
  const slider = useRef<HTMLDivElement>(null);
  const fail = useCallback((problem: unknown) => toastError(problem, "Curves"), []);
  const mine = useMemo(() => charted(run, feed), [run.id, feed]); // eslint-disable-line react-hooks/exhaustive-deps -- name and colour hold while the page is open
  const chart = useChartView(search, feed, names.includes("reward") ? "reward" : names[0], mine?.origin ?? 0);
  useLoadedCurves(feed, names, chart.zoom, fail);
  const over = useMemo(() => search.over ?? [], [search.over]);
  const others = useOverlayRuns(over, names, chart.zoom, fail);
  const runs = useMemo(() => (mine ? [mine, ...others] : others), [mine, others]);
  const catalogue = useMemo(() => method?.metrics ?? [], [method]);
  const all = useMemo(() => groupPanels(names, catalogue), [names, catalogue]);
  const pinned = search.pin ?? [];
  const first = search.first ?? [];
  const panels = useMemo(() => arranged(all, search.first ?? [], search.q ?? ""), [all, search.first, search.q]);
  const widen = (key: string): void => onSearch({ pin: flipped(pinned, key) });

  useShortcuts("Curves", [
    { keys: "e", label: "Next x axis", run: () => onSearch({ x: AXIS_MODES[(AXIS_MODES.indexOf(search.x ?? "step") + 1) % AXIS_MODES.length] }) },
    { keys: "l", label: "Log scale", run: () => onSearch({ y: search.y === "log" ? "linear" : "log" }) },
    { keys: "s", label: "Smoothing", run: () => slider.current?.querySelector<HTMLElement>('[role="slider"]')?.focus() },
    { keys: "z", label: "Reset zoom", run: () => onSearch({ zoom: undefined }) },
    { keys: "o", label: "Overlay runs", run: () => setPicking(true) },
    { keys: "f", label: "Full width of the chart under the pointer", run: () => hovered.current && widen(hovered.current) },
    { keys: "/", label: "Find a chart", run: () => find.current?.focus() },
    { keys: " ", label: "Hold the curves", run: () => setHeld(!held) },
  ]);

  if (error) return <FailedState error={error} onRetry={retry} what="Curves" />;
  if (loading) return <LoadingState rows={4} height={200} />;
  if (names.length === 0) {
    return (
      <EmptyState title="No points yet" api={`GET /api/v1/runs/${run.id}/series?names=reward`}>
        {isActive(run.state) ? state.doing || "The first point comes with the first step." : "This run ended before its first step."}
      </EmptyState>
    );
  }
  const start = feed.series.get(names[0] as string)?.step.at(0);
  const last = Math.max(state.step, 1);
  const whole: [number, number] = [chart.toX(Number.isFinite(start) ? (start as number) : 0), chart.toX(last)];
  const marks = state.marks.map((mark) => ({ kind: mark.kind, text: mark.text, key: mark.cursor, x: chart.toX(mark.step) }));

  return (
    <>
      <CurvesToolbar search={search} onSearch={onSearch} held={held} onHeld={setHeld} slider={slider} find={find}>
        <OverlayPicker run={run} over={over} opened={picking} onOpened={setPicking} onOver={(ids) => onSearch({ over: ids.length > 0 ? ids : undefined })} />
      </CurvesToolbar>
      {marks.length > 0 && <div className={classes.lane}><MarksStrip marks={marks} range={chart.range ?? whole} onPick={(x) => onSearch({ at: chart.toStep(x) })} /></div>}
      <PanelGrid panels={panels} runs={runs} catalogue={catalogue} chart={chart} marks={state.marks} held={held} pinned={pinned} first={first} onFirst={(key) => onSearch({ first: flipped(first, key) })} onHover={onHover} onWiden={widen} onSearch={onSearch} />
      {panels.length === 0 && <Text c="dimmed" mt={16}>No chart is called “{search.q}”. Clear the search to see all {all.length}.</Text>}
      <StepDrawer run={run} step={search.at} onClose={() => onSearch({ at: undefined })} onStep={(at) => onSearch({ at })} />
    </>
  );
}

/** The list with the key put at its end, or taken out; nothing instead of an empty list. */
function flipped(list: string[], key: string): string[] | undefined {
  const next = list.includes(key) ? list.filter((one) => one !== key) : [...list, key];
  return next.length > 0 ? next : undefined;
}
