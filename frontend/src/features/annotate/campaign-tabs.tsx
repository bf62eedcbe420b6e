import { Link } from "@tanstack/react-router";
import classes from "./annotate.module.css";

const TABS = [["overview", "Overview"], ["people", "People"], ["conflicts", "Conflicts"], ["export", "Export"]] as const;

export function CampaignTabs({ projectId, campaignId, open }: { projectId: string; campaignId: string; open: string }) {
  const here = TABS.some(([tab]) => tab === open) ? open : "overview";
  return (
    <nav className={classes.tabs} aria-label="Campaign">
      {TABS.map(([tab, label]) => <Link key={tab} className={classes.tab} to="/p/$projectId/annotate/$campaignId/$tab" params={{ projectId, campaignId, tab }} aria-current={tab === here ? "page" : undefined}>{label}</Link>)}
    </nav>
  );
}
