import { ActionIcon, Menu } from "@mantine/core";
import { IconArrowsMaximize, IconArrowsMinimize, IconDots, IconFileSpreadsheet, IconMaximize, IconPhoto, IconPhotoDown, IconPin, IconPinnedOff, IconTable } from "@tabler/icons-react";
import { useCallback, useRef, useState, type KeyboardEvent } from "react";
import { formatNumber } from "@/ui/numbers";
import { AXIS_LABEL } from "./axis";
import classes from "./chart.module.css";
import { chartPng, copyOrSave, saveFile } from "./copy-png";
import { chartCsv } from "./csv";
import type { Curve, CurveView } from "./curve";
import { CurveTable } from "./curve-table";
import { EndLabels, type EndLabelsHandle } from "./end-labels";
import type { Reading } from "./plot";
import { plotTheme } from "./plot-theme";
import { durationText } from "./ticks";
import { intervalText, readingText, unitInTitle } from "./unit";
import { usePlot } from "./use-plot";

export interface CurvePanelProps {
  title: string;
  unit?: string;
  help?: string;
  curves: Curve[];
  view: CurveView;
  range: [number, number] | null;
  marks: number[];
  held: boolean;
  syncKey: string;
  wide: boolean;
  /** Takes two columns: several names stand at its line ends. */
  double: boolean;
  subscribe: (listener: () => void) => () => void;
  onZoom: (range: [number, number] | null) => void;
  onPick?: (x: number) => void;
  onHover?: (inside: boolean) => void;
  onWide: () => void;
  /** Stands before the others. */
  first: boolean;
  onFirst: () => void;
  onCopied: (how: "copied" | "saved") => void;
}

/** One chart: title and reading, the plot, names at the line ends, and the same numbers as a table. */
export function CurvePanel(props: CurvePanelProps) {
  const { title, unit, help, curves, view, wide, double } = props;
  const ends = useRef<EndLabelsHandle>(null);
  const value = useRef<HTMLElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const at = useRef<number | null>(null);
  const [spoken, setSpoken] = useState("");
  const [empty, setEmpty] = useState(true);
  const [asTable, setAsTable] = useState(false);
  const many = curves.length > 1;

  const onRead = useCallback((reading: Reading) => {
    at.current = reading.index;
    ends.current?.place(reading);
    setEmpty(reading.ends.every((end) => end === null) && reading.values.every((entry) => entry === null));
    if (value.current) value.current.textContent = many ? "" : readingText(reading.values[0], unit) + intervalText(reading.bounds[0] ?? null, unit);
    if (place.current) showPlace(place.current, reading, view.axis);
  }, [view.axis, many, unit]);

  const { attach, plot } = usePlot({
    ...props,
    handlers: { onRead, onZoom: props.onZoom, onPick: props.onPick ?? ignore, onHover: props.onHover ?? ignore },
  });

  const onKeyDown = (event: KeyboardEvent): void => {
    const length = plot?.table()[0].length ?? 0;
    const target = rowForKey(event.key, at.current ?? length - 1, length);
    if (target === null || !plot) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Enter") {
      props.onPick?.(plot.table()[0][target] as number);
      return;
    }
    plot.point(target);
    setSpoken(`${place.current?.textContent ?? ""}: ${many ? (ends.current?.words() ?? "") : (value.current?.textContent ?? "")}`);
  };

  const whole = useRef<HTMLElement>(null);
  const save = async (): Promise<void> => {
    const canvas = plot?.canvas();
    if (canvas) saveFile(await chartPng(canvas, title, plotTheme()), `${title}.png`);
  };
  const saveCsv = (): void => saveFile(new Blob([chartCsv(AXIS_LABEL[view.axis], curves, plot?.table() ?? [[]])], { type: "text/csv" }), `${title}.csv`);
  const copy = async (): Promise<void> => {
    const canvas = plot?.canvas();
    if (canvas) props.onCopied(await copyOrSave(await chartPng(canvas, title, plotTheme()), title));
  };

  return (
    <section ref={whole} className={`${classes.panel} ${wide ? classes.wide : double ? classes.double : ""} ${props.first ? classes.first : ""}`} aria-label={title}>
      <div className={classes.head}>
        <h2 className={classes.title} title={[title, help, curves.some((curve) => curve.interval) && "Band and brackets: the 95 % interval (Wilson)."].filter(Boolean).join("\n")}>{title}{unitInTitle(unit) && <span className={classes.unit}>{unitInTitle(unit)}</span>}</h2>
        <strong className={classes.reading} ref={value} />
        <Menu position="bottom-end" shadow="md" withinPortal={false}>
          <Menu.Target><ActionIcon size={24} aria-label={`Actions of ${title}`}><IconDots size={16} /></ActionIcon></Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={wide ? <IconArrowsMinimize size={16} /> : <IconArrowsMaximize size={16} />} onClick={props.onWide}>
              {wide ? "Back to the grid" : "Full width"}
            </Menu.Item>
            <Menu.Item leftSection={<IconMaximize size={16} />} onClick={() => void (document.fullscreenElement ? document.exitFullscreen() : whole.current?.requestFullscreen())}>Full screen</Menu.Item>
            <Menu.Item leftSection={props.first ? <IconPinnedOff size={16} /> : <IconPin size={16} />} onClick={props.onFirst}>{props.first ? "Back to its place" : "Pin to the front"}</Menu.Item>
            <Menu.Divider />
            <Menu.Item leftSection={<IconTable size={16} />} onClick={() => setAsTable(!asTable)}>{asTable ? "As curve" : "As table"}</Menu.Item>
            <Menu.Item leftSection={<IconPhoto size={16} />} onClick={() => void copy()}>Copy as PNG</Menu.Item>
            <Menu.Item leftSection={<IconPhotoDown size={16} />} onClick={() => void save()}>Save as PNG</Menu.Item>
            <Menu.Item leftSection={<IconFileSpreadsheet size={16} />} onClick={saveCsv}>Save as CSV</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
      <div className={classes.body}>
        <div
          className={classes.host}
          ref={attach}
          hidden={asTable}
          role="slider"
          tabIndex={0}
          aria-label={`${title}: arrow keys read points, enter opens the step`}
          aria-valuenow={0}
          aria-valuetext={spoken}
          onKeyDown={onKeyDown}
        >
          <div className={classes.place} ref={place} hidden />
        </div>
        {!asTable && many && <EndLabels curves={curves} unit={unit} ref={ends} />}
        {!asTable && empty && <div className={classes.empty}>No points yet</div>}
        {asTable && <CurveTable curves={curves} unit={unit} data={plot?.table() ?? [[]]} axis={AXIS_LABEL[view.axis]} />}
      </div>
    </section>
  );
}

/** Where the cursor stands, said once below it on the x axis. */
function showPlace(element: HTMLElement, reading: Reading, axis: CurveView["axis"]): void {
  element.hidden = reading.x === null;
  if (reading.x === null) return;
  element.textContent = axis === "time" ? durationText(Math.round(reading.x)) : `${AXIS_LABEL[axis]} ${formatNumber(reading.x, 6)}`;
  const half = element.offsetWidth / 2;
  const width = element.parentElement?.clientWidth ?? 0;
  element.style.left = `${Math.min(Math.max(reading.left, half), width - half)}px`;
}

function rowForKey(key: string, row: number, length: number): number | null {
  const target: Record<string, number> = { ArrowLeft: row - 1, ArrowRight: row + 1, PageDown: row - 10, PageUp: row + 10, Home: 0, End: length - 1, Enter: row };
  const found = target[key];
  return found === undefined || length === 0 ? null : Math.min(Math.max(found, 0), length - 1);
}

function ignore(): void {
  // A chart may be read without being picked from.
}
