import { useEffect, useState } from "react";
import { isActive } from "@/ui/run-states";
import { useRun } from "../run-context";
import { verdict, type Verdict } from "../verdict";

const COLOUR: Record<Verdict["tone"], string> = { ok: "var(--ls-ok)", warn: "var(--ls-warn)", muted: "var(--ls-muted)" };

/** Is it well? One sentence from the stored curves, judged at most once a second. */
export function VerdictLine() {
  const { run, feed } = useRun();
  const limits = run.spec.limits as { max_kl?: number | null } | undefined;
  const maxKl = limits?.max_kl ?? null;
  const ended = !isActive(run.state);
  const [said, setSaid] = useState<Verdict>({ tone: "muted", text: "" });
  useEffect(() => {
    let timer = 0;
    const judge = (): void => {
      timer = 0;
      setSaid(verdict({ reward: feed.overview.get("reward"), loss: feed.overview.get("loss"), kl: feed.overview.get("kl") }, maxKl, ended));
    };
    const later = (): void => {
      if (timer === 0) timer = window.setTimeout(judge, first ? 0 : 1000);
      first = false;
    };
    let first = true;
    judge();
    const stop = feed.overview.subscribe(later);
    return () => {
      stop();
      window.clearTimeout(timer);
    };
  }, [feed, maxKl, ended]);
  return <span aria-live="polite" style={{ color: COLOUR[said.tone], fontWeight: said.tone === "muted" ? 400 : 600 }}>{said.text}</span>;
}
