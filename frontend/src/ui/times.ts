/** Times for people: "4 min ago" for a day, then 2026-11-21 14:03 in local time. The server speaks RFC 3339 UTC. */

import { MISSING } from "./numbers";

const STEPS: [number, number, string][] = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [86_400, 3600, "h"],
];

export function formatAgo(iso: string | null | undefined, now = Date.now()): string {
  if (!iso) return MISSING;
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (seconds < 5) return "just now";
  const step = STEPS.find(([limit]) => seconds < limit);
  return step ? `${Math.floor(seconds / step[1])} ${step[2]} ago` : formatTime(iso);
}

/** 2026-11-21 14:03 in the reader's own time zone. */
export function formatTime(iso: string | null | undefined): string {
  if (!iso) return MISSING;
  const time = new Date(iso);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** 2026-11-21 14:03:20 UTC, for hovering. */
export function formatUtc(iso: string | null | undefined): string {
  return iso ? `${new Date(iso).toISOString().slice(0, 19).replace("T", " ")} UTC` : MISSING;
}
