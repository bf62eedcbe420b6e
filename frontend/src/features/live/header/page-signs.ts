import { useEffect } from "react";
import type { RunState } from "@/api/shapes";
import { RUN_STATES } from "@/ui/run-states";
import { formatShare } from "@/ui/numbers";
import { share } from "./doing";

/** "▶ 42 % grpo-gsm8k" */
export function pageTitle(state: RunState, name: string, step: number, total: number | null): string {
  const done = share(step, total);
  const percent = done !== null && (state === "running" || state === "paused") ? `${formatShare(done, 0)} ` : "";
  return `${RUN_STATES[state].mark} ${percent}${name}`;
}

/** Draws the run's state into the tab's icon; puts the house's icon back when the page is left. */
export function useFavicon(state: RunState): void {
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (!link) return undefined;
    const before = { href: link.href, type: link.type };
    link.type = "image/png";
    link.href = drawSign(RUN_STATES[state].mark, RUN_STATES[state].colour);
    return () => {
      link.type = before.type;
      link.href = before.href;
    };
  }, [state]);
}

function drawSign(mark: string, colour: string): string {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 32;
  const context = canvas.getContext("2d");
  if (!context) return "";
  const token = /var\((.+)\)/.exec(colour)?.[1] ?? "";
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(token) || "#566070";
  context.beginPath();
  context.roundRect(0, 0, 32, 32, 7);
  context.fill();
  context.fillStyle = "#ffffff";
  context.font = "bold 20px system-ui";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(mark, 16, 17);
  return canvas.toDataURL();
}
