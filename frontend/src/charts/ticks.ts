/** Round steps for a linear axis: 1, 2 or 5 times a power of ten, at most `count` of them within the span. */
export function linearTicks(min: number, max: number, count: number): number[] {
  if (!(max > min) || count < 1) return [];
  const step = niceStep((max - min) / count);
  if (tooFine(step, min, max)) return [];
  const ticks: number[] = [];
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max + step * 1e-9; i += 1) ticks.push(roundTo(i * step, step));
  return ticks;
}

/** Ticks of an axis that counts things: never between two whole numbers. */
export function wholeTicks(min: number, max: number, count: number): number[] {
  return max - min >= count ? linearTicks(min, max, count) : linearTicks(Math.floor(min), Math.ceil(max), Math.ceil(max) - Math.floor(min)).filter((tick) => tick >= min && tick <= max);
}

/** Decades inside [min, max]; with fewer than two of them also their doubles and fives. */
export function logTicks(min: number, max: number): number[] {
  if (!(min > 0) || !(max > min)) return [];
  const low = Math.floor(Math.log10(min));
  const high = Math.ceil(Math.log10(max));
  const every = (factors: number[]): number[] => {
    const ticks: number[] = [];
    for (let power = low; power <= high; power += 1) {
      for (const factor of factors) ticks.push(roundTo(factor * 10 ** power, 10 ** power));
    }
    return ticks.filter((tick) => tick >= min && tick <= max);
  };
  const decades = every([1]);
  return decades.length >= 3 ? decades : every([1, 2, 5]);
}

const DURATIONS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];

/** Steps of a duration axis that people count in: seconds, minutes, hours, days. */
export function durationTicks(min: number, max: number, count: number): number[] {
  if (!(max > min) || count < 1) return [];
  const step = DURATIONS.find((candidate) => (max - min) / candidate <= count) ?? niceStep((max - min) / count);
  const ticks: number[] = [];
  for (let i = Math.ceil(min / step); i * step <= max; i += 1) ticks.push(i * step);
  return ticks;
}

/** A tick's text: no more digits than the spacing needs, thousands as k and millions as M, tiny ones as 1e-5. */
export function tickText(value: number, step: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e9) return shortExponent(value);
  if (size >= 1e6) return `${trim(value / 1e6, step / 1e6)}M`;
  if (size >= 1e4) return `${trim(value / 1e3, step / 1e3)}k`;
  return trim(value, step);
}

/** Axis text of seconds: 45s, 2m, 1h 30m, 2d 4h. */
export function durationText(seconds: number): string {
  if (seconds === 0) return "0";
  const sign = seconds < 0 ? "−" : "";
  let rest = Math.abs(seconds);
  const parts: string[] = [];
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]] as const) {
    const whole = size === 1 ? Math.round(rest) : Math.floor(rest / size);
    if (whole > 0) parts.push(`${whole}${unit}`);
    rest -= whole * size;
  }
  return sign + (parts.slice(0, 2).join(" ") || "0");
}

/** Steps that doubles of this size cannot count would never reach the end. */
function tooFine(step: number, min: number, max: number): boolean {
  return !(step > Math.max(Math.abs(min), Math.abs(max)) * 1e-12);
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough * (1 - 1e-9)) ?? 10;
  return factor * power;
}

function roundTo(value: number, step: number): number {
  const digits = Math.max(0, -Math.floor(Math.log10(step)) + 1);
  return digits > 20 ? value : Number(value.toFixed(digits));
}

function trim(value: number, step: number): string {
  const digits = step > 0 ? Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9))) : 3;
  return minus(value.toFixed(digits));
}

function shortExponent(value: number): string {
  return minus(value.toExponential(1).replace(/\.0e/, "e").replace("e+", "e"));
}

function minus(text: string): string {
  return text.replace(/^-/, "−");
}
