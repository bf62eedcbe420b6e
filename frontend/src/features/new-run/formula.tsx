import { useQuery } from "@tanstack/react-query";
import classes from "./formula.module.css";

/** TeX as MathML, drawn by the browser; KaTeX is loaded when the first formula is shown. */
export function Formula({ tex }: { tex: string }) {
  const { data } = useQuery({ queryKey: ["formula", tex], queryFn: () => render(tex), staleTime: Infinity });
  if (!data) return <code className={classes.tex}>{tex}</code>;
  return <div className={classes.formula} dangerouslySetInnerHTML={{ __html: data }} />;
}

async function render(tex: string): Promise<string> {
  const katex = await import("katex");
  return katex.default.renderToString(tex, { output: "mathml", displayMode: true, throwOnError: false, trust: false });
}
