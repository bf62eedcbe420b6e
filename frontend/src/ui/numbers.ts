/** The one place that turns numbers into text. Missing is "–", NaN is "NaN", never 0. */

export const MISSING = "–";
type Maybe = number | null | undefined;

/** Four significant digits; from 1e4 on 12.35k; below 1e-3 or from 1e6 on as 3.2e-5. */
export function formatNumber(value: Maybe, digits = 4): string {
  if (value === null || value === undefined) return MISSING;
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return minus(trimExponent(value.toExponential(Math.min(digits - 1, 2))));
  if (size >= 1e4) return `${minus(trimZeros((value / 1e3).toPrecision(digits)))}k`;
  return minus(trimZeros(value.toPrecision(digits)));
}

/** Whole numbers with separators up to 9,999, then 12.4k, 3.1M, 2.4B. */
export function formatCount(value: Maybe): string {
  if (value === null || value === undefined) return MISSING;
  if (Number.isNaN(value)) return "NaN";
  if (Math.abs(value) < 10_000) return minus(Math.round(value).toLocaleString("en-US"));
  const [size, suffix] = Math.abs(value) >= 1e9 ? [1e9, "B"] : Math.abs(value) >= 1e6 ? [1e6, "M"] : [1e3, "k"];
  return minus(trimZeros((value / size).toPrecision(3))) + suffix;
}

/** The unit in which so many bytes are read, and its size in bytes. */
export function byteScale(bytes: number): { size: number; name: string } {
  let size = 1;
  for (const name of ["B", "KiB", "MiB", "GiB"]) {
    if (Math.abs(bytes) < size * 1024) return { size, name };
    size *= 1024;
  }
  return { size, name: "TiB" };
}

/** Bytes as B, KiB, MiB, GiB, TiB. */
export function formatBytes(value: Maybe): string {
  if (value === null || value === undefined) return MISSING;
  const { size, name } = byteScale(value);
  return `${minus(String(Number(size === 1 ? value.toFixed(0) : (value / size).toPrecision(3))))} ${name}`;
}

/** A share 0..1 as 91.4 %. */
export function formatShare(value: Maybe, decimals = 1): string {
  if (value === null || value === undefined) return MISSING;
  if (Number.isNaN(value)) return "NaN";
  return `${minus(trimZeros((value * 100).toFixed(decimals)))} %`;
}

/** Seconds as 0.4 s, 42 s, 6m 05s, 1h 04m, 2d 03h. */
export function formatDuration(seconds: Maybe): string {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return MISSING;
  if (seconds < 10) return `${trimZeros(seconds.toFixed(1))} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${pad(whole % 60)}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)}d ${pad(hours % 24)}h`;
}

/** A rate as 1.2k tok/s. */
export function formatRate(value: Maybe, unit: string): string {
  return value === null || value === undefined ? MISSING : `${value < 100 ? formatNumber(value, 3) : formatCount(value)} ${unit}`;
}

/** 0.914 ± 0.012 (95 %, n=512): the estimate with the half width of its interval. */
export function formatInterval(value: Maybe, halfWidth: Maybe, n?: number): string {
  if (value === null || value === undefined) return MISSING;
  const width = halfWidth === null || halfWidth === undefined ? "" : ` ± ${formatNumber(halfWidth, 2)}`;
  const count = n === undefined ? "" : ` (95 %, n=${n.toLocaleString("en-US")})`;
  return formatNumber(value, 3) + width + count;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

function trimZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function trimExponent(text: string): string {
  const [mantissa = "", exponent = ""] = text.split("e");
  return `${trimZeros(mantissa)}e${exponent.replace("+", "")}`;
}

function minus(text: string): string {
  return text.startsWith("-") ? `−${text.slice(1)}` : text;
}
