import type { AnswerTokens } from "@/api/run";

export type ChannelName = "advantages" | "logprobs" | "ref_logprobs" | "kl" | "entropy" | "ratio" | "rewards" | "values" | "returns";

export interface LensChannel {
  name: ChannelName;
  label: string;
  /** Which palette: values around a middle, or a size that starts at zero. */
  sides: "two" | "one";
  /** The value as the lens measures it: log-probs as surprise, ratios from one. */
  measure: (value: number) => number;
}

const same = (value: number): number => value;

export const CHANNELS: readonly LensChannel[] = [
  { name: "advantages", label: "advantage", sides: "two", measure: same },
  { name: "kl", label: "KL", sides: "one", measure: same },
  { name: "logprobs", label: "log-prob", sides: "one", measure: (value) => -value },
  { name: "ref_logprobs", label: "reference log-prob", sides: "one", measure: (value) => -value },
  { name: "entropy", label: "entropy", sides: "one", measure: same },
  { name: "ratio", label: "ratio", sides: "two", measure: (value) => value - 1 },
  { name: "rewards", label: "reward", sides: "two", measure: same },
  { name: "values", label: "value", sides: "two", measure: same },
  { name: "returns", label: "return", sides: "two", measure: same },
];

/** The channels these tokens have values for. */
export function channelsOf(tokens: AnswerTokens[]): LensChannel[] {
  return CHANNELS.filter((channel) => tokens.some((one) => one[channel.name]?.some((value) => value !== null)));
}

/** 98th percentile of the sizes over all the answers shown: the value at which the palette is full. */
export function lensScale(channel: LensChannel, tokens: AnswerTokens[]): number {
  const sizes = tokens.flatMap((one) => one[channel.name] ?? []).flatMap((value) => (value === null ? [] : Math.abs(channel.measure(value))));
  if (sizes.length === 0) return 0;
  sizes.sort((a, b) => a - b);
  return sizes[Math.min(sizes.length - 1, Math.ceil(sizes.length * 0.98) - 1)] as number;
}

/** Steps −3 to 3 around a clear middle; a one-sided channel uses 0 to 3. */
export function lensLevel(channel: LensChannel, value: number | null | undefined, scale: number): number {
  if (value === null || value === undefined || scale <= 0) return 0;
  const share = channel.measure(value) / scale;
  const level = Math.max(-3, Math.min(3, Math.round(share * 3.5)));
  return channel.sides === "one" ? Math.max(0, level) : level;
}

/** The token of `--ls-` that a level is painted with; the middle is clear. */
export function lensColour(channel: LensChannel, level: number): string | undefined {
  if (level === 0) return undefined;
  if (channel.sides === "one") return `var(--ls-one-${level})`;
  return level < 0 ? `var(--ls-minus-${-level})` : `var(--ls-plus-${level})`;
}

/** Share of the palette, −1 to 1, for bars instead of colours. */
export function lensShare(channel: LensChannel, value: number | null | undefined, scale: number): number {
  if (value === null || value === undefined || scale <= 0) return 0;
  return Math.max(-1, Math.min(1, channel.measure(value) / scale));
}
