import { useCallback, useEffect, useRef, useState } from "react";
import type { Curve, CurveView } from "./curve";
import { CurvePlot, type PlotHandlers } from "./plot";

export interface PlotInputs {
  curves: Curve[];
  view: CurveView;
  unit?: string;
  range: [number, number] | null;
  marks: number[];
  held: boolean;
  syncKey: string;
  subscribe: (listener: () => void) => () => void;
  handlers: PlotHandlers;
}

/** Keeps one plot alive in the element that `attach` is given to; data arrives by `subscribe`, never by rendering. */
export function usePlot(inputs: PlotInputs): { attach: (host: HTMLDivElement) => () => void; plot: CurvePlot | null } {
  const { curves, view, unit, range, marks, held, syncKey, subscribe, handlers } = inputs;
  const [plot, setPlot] = useState<CurvePlot | null>(null);
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  const attach = useCallback((host: HTMLDivElement) => {
    const made = new CurvePlot(host, syncKey, {
      onRead: (reading) => latest.current.onRead(reading),
      onZoom: (zoomed) => latest.current.onZoom(zoomed),
      onPick: (x) => latest.current.onPick(x),
      onHover: (inside) => latest.current.onHover(inside),
    });
    setPlot(made);
    return () => {
      setPlot(null);
      made.destroy();
    };
  }, [syncKey]);
  useEffect(() => plot?.show(curves, view, unit), [plot, curves, view, unit]);
  useEffect(() => plot?.zoom(range), [plot, range]);
  useEffect(() => plot?.mark(marks), [plot, marks]);
  useEffect(() => plot?.hold(held), [plot, held]);
  useEffect(() => (plot ? subscribe(() => plot.update()) : undefined), [plot, subscribe]);
  return { attach, plot };
}
