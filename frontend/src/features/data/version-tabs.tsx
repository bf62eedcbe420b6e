import { Link } from "@tanstack/react-router";
import classes from "./data.module.css";

export const VERSION_TABS = [
  ["rows", "Rows"],
  ["template", "Template and loss mask"],
  ["health", "Health"],
  ["used", "Used by"],
] as const;

export function VersionTabs({ projectId, datasetId, version, open }: { projectId: string; datasetId: string; version: number; open: string }) {
  const here = VERSION_TABS.some(([tab]) => tab === open) ? open : "rows";
  return (
    <nav className={classes.tabs} aria-label="Data set">
      {VERSION_TABS.map(([tab, label]) => (
        <Link key={tab} className={classes.tab} to="/p/$projectId/data/$datasetId/v/$version/$tab" params={{ projectId, datasetId, version: String(version), tab }} search={(old) => old} aria-current={tab === here ? "page" : undefined}>{label}</Link>
      ))}
    </nav>
  );
}
