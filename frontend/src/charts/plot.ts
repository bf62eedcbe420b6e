import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { ROWS, boundsAt, curveTable, joinTables, type Curve, type CurveView } from "./curve";
import { oncePerFrame } from "./frame";
import { axisOptions, bandOptions, scaleOptions, seriesOptions } from "./plot-options";
import { onThemeChange, plotTheme } from "./plot-theme";

/** Where the cursor stands: a row of the joined table, or the newest points when it is nowhere. */
export interface Reading {
  x: number | null;
  /** Pixels from the chart's left edge to the cursor. */
  left: number;
  values: (number | null)[];
  /** The 95 % interval of each value under the cursor, of curves that have one. */
  bounds: ([number, number] | null)[];
  /** Vertical place of each curve's last visible point, in pixels of the plot, for the labels at its end. */
  ends: (number | null)[];
  index: number | null;
}

export interface PlotHandlers {
  onRead: (reading: Reading) => void;
  onZoom: (range: [number, number] | null) => void;
  onPick: (x: number) => void;
  onHover: (inside: boolean) => void;
}

/** A chart outside React: it is given curves and a view, and draws at most once per frame. */
export class CurvePlot {
  private plot: uPlot | null = null;
  private curves: Curve[] = [];
  private unit = "";
  private view: CurveView = { axis: "step", log: false, smoothing: 0 };
  private range: [number, number] | null = null;
  private held: [number, number] | null = null;
  private lines: number[] = [];
  private readonly frame = oncePerFrame(() => this.draw());
  private readonly sizes: ResizeObserver;
  private readonly stopTheme: () => void;

  constructor(
    private readonly host: HTMLElement,
    private readonly syncKey: string,
    private readonly handlers: PlotHandlers,
  ) {
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(host);
    this.stopTheme = onThemeChange(() => this.rebuild());
  }

  show(curves: Curve[], view: CurveView, unit = ""): void {
    this.unit = unit;
    this.curves = curves;
    this.view = view;
    this.rebuild();
  }

  /** The part of the x axis to show; null is all of it. */
  zoom(range: [number, number] | null): void {
    this.range = range;
    this.update();
  }

  /** Places of the marks that are drawn as faint uprights. */
  mark(lines: number[]): void {
    this.lines = lines;
    this.plot?.redraw(false);
  }

  /** While held the x axis stays where it is, whatever comes in. */
  hold(on: boolean): void {
    const { min, max } = this.plot?.scales.x ?? {};
    this.held = on && min !== undefined && max !== undefined ? [min, max] : null;
    if (!on) this.update();
  }

  /** Asks for a drawing on the next frame. */
  update(): void {
    this.frame.ask();
  }

  /** Moves the cursor to a row of the table, for readers without a pointer; the row is clamped to the table. */
  point(index: number): void {
    const plot = this.plot;
    const xs = plot?.data[0];
    if (!plot || !xs || xs.length === 0) return;
    const row = Math.min(Math.max(index, 0), xs.length - 1);
    const left = plot.valToPos(xs[row] as number, "x");
    plot.setCursor({ left, top: plot.over.clientHeight / 2 });
  }

  table(): uPlot.AlignedData {
    return this.plot?.data ?? [[]];
  }

  canvas(): HTMLCanvasElement | null {
    return this.plot?.ctx.canvas ?? null;
  }

  destroy(): void {
    this.frame.cancel();
    this.sizes.disconnect();
    this.stopTheme();
    this.plot?.destroy();
    this.plot = null;
  }

  private rebuild(): void {
    this.plot?.destroy();
    const { clientWidth: width, clientHeight: height } = this.host;
    const theme = plotTheme();
    const options: uPlot.Options = {
      width: Math.max(width, 50),
      height: Math.max(height, 50),
      legend: { show: false },
      padding: [8, 18, 0, 0],
      cursor: {
        sync: { key: this.syncKey, setSeries: false, scales: ["x", null] },
        drag: { x: true, y: false, setScale: false },
        points: { size: 6, show: (plot, index) => this.pointOf(plot, index) },
        bind: { dblclick: () => () => (this.handlers.onZoom(null), null) },
        y: false,
      },
      series: [{}, ...seriesOptions(this.curves, this.view, theme)],
      bands: bandOptions(this.curves, theme),
      axes: axisOptions(this.view, theme, this.unit),
      scales: scaleOptions(this.view, () => this.held ?? this.range),
      hooks: {
        draw: [(plot) => this.drawMarks(plot, theme.muted), (plot) => this.read(plot)],
        setCursor: [(plot) => this.read(plot)],
        setSelect: [(plot) => this.selected(plot)],
        ready: [(plot) => this.listen(plot)],
      },
    };
    this.plot = new uPlot(options, this.data(), this.host);
  }

  private data(): uPlot.AlignedData {
    return joinTables(this.curves.map((curve) => curveTable(curve.series(), this.view, curve.origin()))) as uPlot.AlignedData;
  }

  private draw(): void {
    this.plot?.setData(this.data());
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (this.plot && width > 0 && height > 0) this.plot.setSize({ width, height });
  }

  /** Only the line itself carries a cursor point, not its original nor its band. */
  private pointOf(plot: uPlot, index: number): HTMLElement {
    const dot = document.createElement("div");
    const line = (index - 1) % ROWS === 1;
    dot.classList.add("u-cursor-pt");
    if (line) {
      const colour = plotTheme().colour((this.curves[Math.floor((index - 1) / ROWS)] as Curve).colour);
      Object.assign(dot.style, { width: "6px", height: "6px", marginLeft: "-3px", marginTop: "-3px", background: colour });
    } else {
      dot.hidden = true;
    }
    void plot;
    return dot;
  }

  private listen(plot: uPlot): void {
    let from = 0;
    plot.over.addEventListener("pointerenter", () => this.handlers.onHover(true));
    plot.over.addEventListener("pointerleave", () => this.handlers.onHover(false));
    plot.over.addEventListener("pointerdown", (event) => (from = event.clientX));
    plot.over.addEventListener("click", (event) => {
      if (Math.abs(event.clientX - from) > 4) return;
      const index = plot.cursor.idx ?? null;
      const x = index === null ? undefined : plot.data[0][index];
      if (x !== undefined) this.handlers.onPick(x);
    });
  }

  private selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 6) return;
    const range: [number, number] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.handlers.onZoom(range);
  }

  private read(plot: uPlot): void {
    const index = plot.cursor.idx ?? null;
    const x = index === null ? null : (plot.data[0][index] ?? null);
    const values: (number | null)[] = [];
    const ends: (number | null)[] = [];
    const bounds: ([number, number] | null)[] = [];
    this.curves.forEach(({ interval }, curve) => {
      const row = plot.data[curve * ROWS + 2] ?? [];
      const at = lastPlace(row, index ?? row.length - 1);
      values.push(row[at] ?? null);
      bounds.push(interval && index !== null && this.view.smoothing === 0 && at >= 0 ? boundsAt(plot.data, curve, at) : null);
      const end = lastOf(row, lastVisible(plot));
      ends.push(end === null ? null : plot.valToPos(end, "y"));
    });
    const left = plot.over.offsetLeft + (plot.cursor.left ?? 0);
    this.handlers.onRead({ x, left, values, bounds, ends, index });
  }

  private drawMarks(plot: uPlot, colour: string): void {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour;
    ctx.globalAlpha = 0.35;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    for (const x of this.lines) {
      const left = plot.valToPos(x, "x", true);
      if (left < bbox.left || left > bbox.left + bbox.width) continue;
      ctx.moveTo(left, bbox.top);
      ctx.lineTo(left, bbox.top + bbox.height);
    }
    ctx.stroke();
    ctx.restore();
  }
}

function lastVisible(plot: uPlot): number {
  const max = plot.scales.x?.max;
  const xs = plot.data[0];
  let index = xs.length - 1;
  while (max !== undefined && index > 0 && (xs[index] as number) > max) index -= 1;
  return index;
}

/** The newest value at or before a row: curves of other runs rarely have a point at the very same place. */
function lastOf(row: ArrayLike<number | null | undefined>, from: number): number | null {
  return row[lastPlace(row, from)] ?? null;
}

/** Index of the last value at or before `from`; -1 where there is none. */
function lastPlace(row: ArrayLike<number | null | undefined>, from: number): number {
  let index = from;
  while (index >= 0 && (row[index] === null || row[index] === undefined)) index -= 1;
  return index;
}
