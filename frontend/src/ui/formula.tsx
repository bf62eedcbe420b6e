import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { formulaLines } from "./formula-lines";
import classes from "./formula.module.css";

/** TeX as MathML, drawn by the browser, a line for each statement; KaTeX is loaded when the first formula is shown. */
export function Formula({ tex }: { tex: string }) {
  const { data } = useQuery({ queryKey: ["formula", tex], queryFn: () => render(tex), staleTime: Infinity });
  const [scrolls, setScrolls] = useState(false);
  if (!data) return <code className={classes.tex}>{tex}</code>;
  const watch = (place: HTMLDivElement): (() => void) => {
    const observer = new ResizeObserver(() => setScrolls(place.scrollWidth > place.clientWidth));
    observer.observe(place);
    return () => observer.disconnect();
  };
  // The keyboard must reach what scrolls, and need not stop at what does not.
  return (
    <div ref={watch} className={classes.formula} tabIndex={scrolls ? 0 : undefined} role={scrolls ? "group" : undefined} aria-label={scrolls ? "Formula" : undefined}>
      {data.map((line) => <div key={line} dangerouslySetInnerHTML={{ __html: line }} />)}
    </div>
  );
}

async function render(tex: string): Promise<string[]> {
  const katex = await import("katex");
  return formulaLines(tex).map((line) => katex.default.renderToString(line, { output: "mathml", displayMode: true, throwOnError: false, trust: false }));
}
