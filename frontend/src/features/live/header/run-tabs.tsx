import { Link, useLocation, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useShortcuts } from "@/ui/shortcuts";
import classes from "./run-header.module.css";

const TABS = [
  ["curves", "Curves"],
  ["rollouts", "Rollouts"],
  ["logs", "Logs"],
  ["system", "System"],
  ["checkpoints", "Checkpoints"],
  ["report", "Report"],
  ["config", "Config"],
  ["lineage", "Lineage"],
] as const;

/** Tabs are links; the digits go to them. `titles` name a tab by what it shows for this kind of run. */
export function RunTabs({ projectId, runId, hidden = [], titles = {} }: { projectId: string; runId: string; hidden?: string[]; titles?: Record<string, string> }) {
  const navigate = useNavigate();
  const tabs = TABS.filter(([tab]) => !hidden.includes(tab)).map(([tab, label]) => [tab, titles[tab] ?? label] as const);
  const params = { projectId, runId };
  const bar = useRef<HTMLElement>(null);
  const path = useLocation({ select: (location) => location.pathname });
  useEffect(() => {
    const here = bar.current?.querySelector<HTMLElement>('[aria-current="page"]');
    // On a narrow page the open tab may lie beyond the edge; only the bar scrolls.
    if (bar.current && here) bar.current.scrollLeft = Math.max(0, here.offsetLeft + here.offsetWidth - bar.current.offsetLeft - bar.current.clientWidth + 8);
  }, [path]);
  useShortcuts("Tabs", tabs.map(([tab, label], index) => ({
    keys: String(index + 1),
    label,
    run: () => void navigate({ to: `/p/$projectId/runs/$runId/${tab}`, params }),
  })));
  return (
    <nav ref={bar} className={classes.tabs} aria-label="Run">
      {tabs.map(([tab, label]) => (
        <Link key={tab} className={classes.tab} to={`/p/$projectId/runs/$runId/${tab}`} params={params} activeProps={{ "aria-current": "page" }}>{label}</Link>
      ))}
    </nav>
  );
}
