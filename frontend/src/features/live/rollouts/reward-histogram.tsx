import { RangeSlider, Text } from "@mantine/core";
import { formatNumber } from "@/ui/numbers";
import { histogram } from "./histogram";
import classes from "./rollouts.module.css";

const BINS = 24;

/** Rewards of the answers on the list; the brush below keeps prompts with an answer inside it. */
export function RewardHistogram({ rewards, range, onRange }: { rewards: number[]; range: [number, number] | null; onRange: (range: [number, number] | null) => void }) {
  const bins = histogram(rewards, BINS);
  if (!bins) return null;
  const tallest = Math.max(...bins.counts);
  const [low, high] = range ?? [bins.low, bins.high];
  const inside = (index: number): boolean => {
    const centre = bins.low + ((index + 0.5) / BINS) * (bins.high - bins.low);
    return centre >= low && centre <= high;
  };
  return (
    <div>
      <Text size="xs" c="dimmed" mb={4}>reward of {rewards.length} answers{range ? `, shown ${formatNumber(low, 3)} to ${formatNumber(high, 3)}` : ""}</Text>
      <svg viewBox={`0 0 ${BINS} 10`} preserveAspectRatio="none" width="100%" height="40" role="img" aria-label={`Rewards from ${formatNumber(bins.low)} to ${formatNumber(bins.high)}`}>
        {bins.counts.map((count, index) => (
          <rect key={index} x={index + 0.08} width={0.84} y={10 - (10 * count) / tallest} height={(10 * count) / tallest} fill={inside(index) ? "var(--ls-accent)" : "var(--ls-line)"} />
        ))}
      </svg>
      <RangeSlider
        size={2}
        thumbSize={24}
        classNames={{ thumb: classes.thumb }}
        min={bins.low}
        max={bins.high}
        step={(bins.high - bins.low) / BINS}
        minRange={(bins.high - bins.low) / BINS}
        value={[low, high]}
        label={(value) => formatNumber(value, 3)}
        onChange={(value) => onRange(value[0] <= bins.low && value[1] >= bins.high ? null : value)}
        thumbFromLabel="Lowest reward"
        thumbToLabel="Highest reward"
      />
    </div>
  );
}
