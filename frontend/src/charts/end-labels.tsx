import { useImperativeHandle, useRef, type Ref } from "react";
import classes from "./chart.module.css";
import type { Curve } from "./curve";
import { spreadLabels } from "./end-places";
import type { Reading } from "./plot";
import { readingText } from "./unit";

const HEIGHT = 14;

export interface EndLabelsHandle {
  place: (reading: Reading) => void;
  /** What the labels say, for reading aloud. */
  words: () => string;
}

/** Names at the ends of the lines, with the values at the cursor; moved by hand at every drawing, outside rendering. */
export function EndLabels({ curves, unit, ref }: { curves: Curve[]; unit?: string; ref: Ref<EndLabelsHandle> }) {
  const box = useRef<HTMLDivElement>(null);
  useImperativeHandle(ref, () => ({ place: (reading) => place(box.current, reading, unit), words: () => words(box.current) }));
  return (
    <div className={classes.ends} ref={box} aria-hidden="true">
      {curves.map((curve) => (
        <div key={curve.id} className={classes.end} title={curve.label}>
          <i style={{ borderColor: `var(${curve.colour})`, borderTopStyle: curve.dash.length > 0 ? "dashed" : "solid" }} />
          <b />
          <span>{curve.label}</span>
        </div>
      ))}
    </div>
  );
}

function place(box: HTMLDivElement | null, reading: Reading, unit: string | undefined): void {
  if (!box) return;
  const shown = reading.ends.map((end, index) => ({ end, index })).filter(({ end }) => end !== null);
  const tops = spreadLabels(shown.map(({ end }) => (end as number) + 8), HEIGHT, 0, box.clientHeight);
  Array.from(box.children).forEach((child, index) => {
    const label = child as HTMLElement;
    const at = shown.findIndex((entry) => entry.index === index);
    label.hidden = at < 0;
    if (at < 0) return;
    label.style.transform = `translateY(${Math.round((tops[at] as number) - HEIGHT / 2)}px)`;
    (label.children[1] as HTMLElement).textContent = readingText(reading.values[index], unit, 3);
  });
}

function words(box: HTMLDivElement | null): string {
  return Array.from(box?.children ?? []).map((label) => `${label.children[2]?.textContent ?? ""} ${label.children[1]?.textContent ?? ""}`).join(", ");
}
