import { formatNumber } from "@/ui/numbers";
import { lensColour, type LensChannel } from "./lens";
import classes from "./rollouts.module.css";

/** The palette with its printed ends. */
export function LensScale({ channel, scale }: { channel: LensChannel; scale: number }) {
  const levels = channel.sides === "one" ? [0, 1, 2, 3] : [-3, -2, -1, 0, 1, 2, 3];
  const middle = channel.name === "ratio" ? 1 : 0;
  return (
    <span className={classes.scale} aria-label={`Scale of ${channel.label}: full at ${formatNumber(scale, 3)}`} role="img">
      <span>{channel.sides === "one" ? "0" : formatNumber(middle - scale, 3)}</span>
      {levels.map((level) => <i key={level} style={{ background: lensColour(channel, level) }} />)}
      <span>{channel.name.endsWith("logprobs") ? formatNumber(-scale, 3) : `${channel.sides === "two" && middle === 0 ? "+" : ""}${formatNumber(middle + scale, 3)}`}</span>
    </span>
  );
}
