import { useMemo } from "react";
import type { Pair, PairText } from "@/api/shapes";
import { wordDiff, type DiffPiece } from "@/ui/word-diff";
import classes from "./annotate.module.css";

/** A prompt and its two answers, names hidden; with `diff`, the words that only one of them says stand out. `of` tells several on a page apart. */
export function PairView({ pair, question, diff = false, of = "" }: { pair: Pair; question: string; diff?: boolean; of?: string }) {
  const pieces = useMemo(() => (diff ? wordDiff(plain(pair.a), plain(pair.b)) : null), [diff, pair]);
  return (
    <div className={classes.pair}>
      <section className={classes.prompt} aria-label={`Prompt${of}`}><Words text={pair.prompt} /></section>
      <h2 className={classes.question} dir="auto">{question}</h2>
      <div className={classes.sides}>
        <Side name="A" of={of} text={pair.a} pieces={pieces} hides="come" />
        <Side name="B" of={of} text={pair.b} pieces={pieces} hides="gone" />
      </div>
    </div>
  );
}

function Side({ name, of, text, pieces, hides }: { name: string; of: string; text: PairText; pieces: DiffPiece[] | null; hides: DiffPiece["kind"] }) {
  return (
    // A long answer scrolls within its side, so the keyboard must reach it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className={classes.side} aria-label={`Answer ${name}${of}`} tabIndex={0}>
      <div className={classes.sideName} aria-hidden>{name}</div>
      {pieces ? (
        <div className={classes.text} dir="auto">
          {pieces.filter((piece) => piece.kind !== hides).map((piece, index) => (piece.kind === "same" ? piece.text : <mark key={index} className={classes.own}>{piece.text}</mark>))}
        </div>
      ) : <Words text={text} />}
    </section>
  );
}

/** Text as it is, or a conversation turn by turn. */
function Words({ text }: { text: PairText }) {
  if (typeof text === "string") return <div className={classes.text} dir="auto">{text === "" ? <em className={classes.empty}>empty</em> : text}</div>;
  return text.map((turn, index) => (
    <div key={index} className={classes.turn}>
      {text.length > 1 || turn.role !== "assistant" ? <div className={classes.role}>{turn.role}</div> : null}
      <div className={classes.text} dir="auto">{turn.content}</div>
    </div>
  ));
}

function plain(text: PairText): string {
  return typeof text === "string" ? text : text.map((turn) => turn.content).join("\n\n");
}
