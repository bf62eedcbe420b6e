import { Fragment, useMemo } from "react";
import classes from "./annotate.module.css";
import { readMarkdown, type Span } from "./plain-markdown";

/** Guidelines as their author laid them out. The text becomes elements, never HTML. */
export function Guidelines({ text }: { text: string }) {
  const blocks = useMemo(() => readMarkdown(text), [text]);
  return (
    <div className={classes.guidelines} dir="auto">
      {blocks.map((block, index) => {
        if (block.kind === "heading") return <h3 key={index}><Spans spans={block.spans} /></h3>;
        if (block.kind === "paragraph") return <p key={index}><Spans spans={block.spans} /></p>;
        const items = block.items.map((spans, at) => <li key={at}><Spans spans={spans} /></li>);
        return block.ordered ? <ol key={index}>{items}</ol> : <ul key={index}>{items}</ul>;
      })}
    </div>
  );
}

function Spans({ spans }: { spans: Span[] }) {
  return spans.map((span, index) => (span.kind === "strong" ? <strong key={index}>{span.text}</strong> : span.kind === "code" ? <code key={index}>{span.text}</code> : <Fragment key={index}>{span.text}</Fragment>));
}
