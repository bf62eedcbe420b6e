import { byteScale, formatBytes, formatNumber } from "@/ui/numbers";
import { linearTicks, tickText } from "./ticks";

/** A value with its unit where one reads it with the number: 78 %, 462 MiB. Other units stand in the title. */
export function readingText(value: number | null | undefined, unit = "", digits = 4): string {
  if (unit === "bytes") return formatBytes(value);
  return unit === "%" && value !== null && value !== undefined ? `${formatNumber(value, digits)} %` : formatNumber(value, digits);
}

/** " (0.51–0.68)": the edges of a 95 % interval beside its value; nothing where there is none. */
export function intervalText(bounds: [number, number] | null, unit = ""): string {
  return bounds ? ` (${readingText(bounds[0], unit, 3)}–${readingText(bounds[1], unit, 3)})` : "";
}

/** Whether the title has to name the unit: not when the numbers carry it. */
export function unitInTitle(unit: string | undefined): string {
  return unit === "bytes" || unit === "%" ? "" : (unit ?? "");
}

/** Round places on a value axis: bytes are round in the unit they are read in. */
export function valueTicks(min: number, max: number, count: number, unit = ""): number[] {
  if (unit !== "bytes") return linearTicks(min, max, count);
  const { size } = byteScale(Math.max(Math.abs(min), Math.abs(max)));
  return linearTicks(min / size, max / size, count).map((tick) => tick * size);
}

/** A value axis' text; `step` is the distance between its ticks. */
export function valueTickText(value: number, step: number, most: number, unit = ""): string {
  if (unit === "%") return `${tickText(value, step)} %`;
  if (unit !== "bytes") return tickText(value, step);
  const { size, name } = byteScale(most);
  return value === 0 ? "0" : `${tickText(value / size, step / size)} ${name}`;
}
