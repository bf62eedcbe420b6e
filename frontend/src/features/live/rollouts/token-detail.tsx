import type { AnswerTokens } from "@/api/run";
import { formatNumber } from "@/ui/numbers";
import { CHANNELS } from "./lens";
import classes from "./rollouts.module.css";

/** Everything known of the picked token, always in the same place. */
export function TokenDetail({ tokens, index }: { tokens: AnswerTokens; index: number }) {
  const text = tokens.texts[index];
  if (text === undefined) return <div className={classes.detail}>Pick a token with ← →.</div>;
  return (
    <div className={classes.detail} aria-live="polite">
      <code><bdi>{JSON.stringify(text)}</bdi></code>
      <span>{index + 1}/{tokens.texts.length}</span>
      <span>id {tokens.ids[index] ?? "–"}</span>
      {CHANNELS.map((channel) => {
        const column = tokens[channel.name];
        return column ? <span key={channel.name}>{channel.label} <b>{formatNumber(column[index], 3)}</b></span> : null;
      })}
      {tokens.mask?.[index] === 0 && <span>masked: not trained on</span>}
    </div>
  );
}
