import { useEffect, useState } from "react";
import { formatAgo, formatUtc } from "./times";

/** "4 min ago", kept fresh; the exact UTC time on hover. */
export function Time({ at }: { at: string | null | undefined }) {
  const now = useNow(15_000);
  return <time dateTime={at ?? undefined} title={formatUtc(at)} style={{ whiteSpace: "nowrap" }}>{formatAgo(at, now)}</time>;
}

/** The clock, ticking every `interval` milliseconds. */
export function useNow(interval: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), interval);
    return () => window.clearInterval(timer);
  }, [interval]);
  return now;
}
