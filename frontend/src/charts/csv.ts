import { boundsAt, ROWS, type Curve } from "./curve";

/** The chart's table as comma-separated values: the x axis, then each curve's own values and the edges of their intervals. Full precision; a gap is an empty cell. */
export function chartCsv(axis: string, curves: Curve[], data: ArrayLike<ArrayLike<number | null | undefined>>): string {
  const xs = Array.from((data[0] ?? []) as ArrayLike<number>);
  const head = [axis, ...curves.flatMap((curve) => [curve.label, ...(curve.interval ? [`${curve.label} low`, `${curve.label} high`] : [])])].map(quoted).join(",");
  const lines = xs.map((x, row) => [x, ...curves.flatMap((curve, at) => [data[at * ROWS + 1]?.[row] ?? "", ...(curve.interval ? (boundsAt(data, at, row) ?? ["", ""]) : [])])].join(","));
  return [head, ...lines, ""].join("\r\n");
}

/** Quotes as RFC 4180 asks; a name that a spreadsheet would take for a formula is made plain text. */
function quoted(text: string): string {
  const plain = /^[=+\-@\t]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
