import { useEffect, useRef, useState, type RefObject } from "react";
import type { Curve, CurveView } from "./curve";
import { CurvePlot, type PlotHandlers } from "./plot";

export interface PlotInputs {
  curves: Curve[];
  view: CurveView;
  range: [number, number] | null;
  marks: number[];
  held: boolean;
  syncKey: string;
  subscribe: (listener: () => void) => () => void;
  handlers: PlotHandlers;
}

/** Keeps one plot alive in `host`; data arrives by `subscribe`, never by rendering. */
export function usePlot(host: RefObject<HTMLDivElement | null>, inputs: PlotInputs): CurvePlot | null {
  const { curves, view, range, marks, held, syncKey, subscribe, handlers } = inputs;
  const [plot, setPlot] = useState<CurvePlot | null>(null);
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  useEffect(() => {
    if (!host.current) return undefined;
    const made = new CurvePlot(host.current, syncKey, {
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
  }, [host, syncKey]);
  useEffect(() => plot?.show(curves, view), [plot, curves, view]);
  useEffect(() => plot?.zoom(range), [plot, range]);
  useEffect(() => plot?.mark(marks), [plot, marks]);
  useEffect(() => plot?.hold(held), [plot, held]);
  useEffect(() => (plot ? subscribe(() => plot.update()) : undefined), [plot, subscribe]);
  return plot;
}
