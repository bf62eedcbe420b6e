/** An SVG path through the values, scaled to the box with a pixel of air; gaps where a value is missing. */
export function sparkPath(values: (number | null)[], width: number, height: number): string {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length === 0) return "";
  const low = Math.min(...known);
  const span = Math.max(...known) - low || 1;
  let pen = "M";
  return values.map((value, index) => {
    if (value === null || !Number.isFinite(value)) {
      pen = "M";
      return "";
    }
    const x = 1 + (index / Math.max(1, values.length - 1)) * (width - 2);
    const y = height - 1.5 - ((value - low) / span) * (height - 3);
    const part = `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
    return part;
  }).join("");
}
