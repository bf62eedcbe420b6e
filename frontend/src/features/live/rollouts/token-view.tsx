import { Chip, SegmentedControl } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import type { Answer, AnswerTokens } from "@/api/run";
import { useShortcuts } from "@/ui/shortcuts";
import { channelsOf, lensColour, lensLevel, lensScale, lensShare, type LensChannel } from "./lens";
import { LensScale } from "./lens-scale";
import classes from "./rollouts.module.css";
import { TokenDetail } from "./token-detail";

interface Props {
  answers: Answer[];
  picked: number;
  channel: string | undefined;
  token: number | undefined;
  clipRange: number | null;
  onPick: (index: number) => void;
  onChannel: (name: string) => void;
  onToken: (index: number) => void;
}

/** One answer, token by token, each painted by what a channel says of it; one line below holds the picked token's numbers. */
export function TokenView({ answers, picked, channel: wished, token = 0, clipRange, onPick, onChannel, onToken }: Props) {
  const [bars, setBars] = useState(false);
  const box = useRef<HTMLPreElement>(null);
  const all = answers.flatMap((answer) => answer.tokens ?? []);
  const channels = channelsOf(all);
  const channel = channels.find((one) => one.name === wished) ?? channels[0];
  const tokens = answers[picked]?.tokens;
  const move = (by: number): void => onToken(Math.min(Math.max(token + by, 0), (tokens?.texts.length ?? 1) - 1));
  const turn = (by: number): void => {
    const next = channels[(channels.findIndex((one) => one === channel) + by + channels.length) % channels.length];
    if (next) onChannel(next.name);
  };
  useShortcuts("Tokens", [
    { keys: "arrowleft", label: "Token before", run: () => move(-1) },
    { keys: "arrowright", label: "Token after", run: () => move(1) },
    { keys: "arrowup", label: "Answer before", run: () => onPick((picked - 1 + answers.length) % answers.length) },
    { keys: "arrowdown", label: "Answer after", run: () => onPick((picked + 1) % answers.length) },
    { keys: "v", label: "Next channel", run: () => turn(1) },
    { keys: "V", label: "Channel before", run: () => turn(-1) },
    { keys: "b", label: "Bars instead of colours", run: () => setBars(!bars) },
  ]);
  useEffect(() => {
    const mark = box.current?.querySelector<HTMLElement>('[data-picked="true"]');
    if (box.current && mark) keepInSight(box.current, mark);
  }, [token, picked]);

  if (!tokens || !channel) return null;
  const scale = lensScale(channel, all);
  return (
    <section className={classes.lens} aria-label={`Tokens of answer ${picked + 1}`}>
      <div className={classes.lensHead}>
        <strong>Answer {picked + 1}</strong>
        <SegmentedControl size="xs" aria-label="Channel (v)" value={channel.name} onChange={onChannel} data={channels.map((one) => ({ value: one.name, label: one.label }))} />
        <LensScale channel={channel} scale={scale} />
        <Chip size="xs" checked={bars} onChange={setBars}>bars</Chip>
      </div>
      <pre className={classes.tokens} ref={box} dir="auto">
        {tokens.texts.map((text, index) => (
          <TokenSpan key={index} text={text} index={index} tokens={tokens} channel={channel} scale={scale} bars={bars} picked={index === token} clipRange={clipRange} onToken={onToken} />
        ))}
      </pre>
      <TokenDetail tokens={tokens} index={token} />
    </section>
  );
}

/** Scrolls the box, never the page: opening a rollout must not carry the reader away from its prompt. */
function keepInSight(box: HTMLElement, mark: HTMLElement): void {
  const [outer, inner] = [box.getBoundingClientRect(), mark.getBoundingClientRect()];
  if (inner.top < outer.top) box.scrollTop -= outer.top - inner.top + inner.height;
  else if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom + inner.height;
}

interface SpanProps {
  text: string;
  index: number;
  tokens: AnswerTokens;
  channel: LensChannel;
  scale: number;
  bars: boolean;
  picked: boolean;
  clipRange: number | null;
  onToken: (index: number) => void;
}

function TokenSpan({ text, index, tokens, channel, scale, bars, picked, clipRange, onToken }: SpanProps) {
  const value = tokens[channel.name]?.[index];
  const level = lensLevel(channel, value, scale);
  const share = lensShare(channel, value, scale);
  const ratio = tokens.ratio?.[index];
  return (
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions -- arrow keys do the same for the whole answer
    <span
      className={classes.token}
      data-picked={picked}
      data-masked={tokens.mask?.[index] === 0}
      data-clipped={clipRange !== null && typeof ratio === "number" && Math.abs(ratio - 1) > clipRange}
      style={bars ? undefined : { backgroundColor: lensColour(channel, level) }}
      onClick={() => onToken(index)}
    >
      {visible(text)}
      {bars && <span className={classes.bar} style={{ transform: `scaleX(${Math.abs(share)})`, background: lensColour(channel, share < 0 ? -3 : 3) }} />}
    </span>
  );
}

/** A token of white space alone would be unseen: line ends get a sign and keep their break. */
function visible(text: string): string {
  if (text === "") return "∅";
  return /^\n+$/.test(text) ? text.replaceAll("\n", "⏎\n") : text;
}
