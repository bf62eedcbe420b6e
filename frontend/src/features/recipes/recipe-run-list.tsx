import { useMediaQuery } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import type { RecipeRunSummary } from "@/api/shapes";
import { StateBadge } from "@/ui/state-badge";
import table from "@/ui/table.module.css";
import { Time } from "@/ui/time";
import { RECIPE_STATES } from "./stage-looks";

/** Recipes that were started, the newest first, with how many of their stages are done; on a phone without who and when. */
export function RecipeRunList({ projectId, runs }: { projectId: string; runs: RecipeRunSummary[] }) {
  const narrow = useMediaQuery("(max-width: 768px)", window.innerWidth <= 768, { getInitialValueInEffect: false });
  return (
    <div className={table.sideways}>
      <table className={table.table}>
        <thead><tr>{["Name", "State", "Stages done", ...(narrow ? [] : ["Started", "By"])].map((title) => <th key={title} scope="col">{title}</th>)}</tr></thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.id}>
              <td><Link className={table.link} to="/p/$projectId/recipes/$recipeRunId" params={{ projectId, recipeRunId: run.id }}>{run.name}</Link></td>
              <td><StateBadge look={RECIPE_STATES[run.state]} /></td>
              <td>{run.stages.filter((stage) => stage.state === "succeeded" || stage.state === "reused").length} of {run.stages.length}{run.restarted_at ? <span style={{ color: "var(--ls-muted)" }}> · again from {run.restarted_at}</span> : null}</td>
              {narrow ? null : <><td style={{ color: "var(--ls-muted)" }}><Time at={run.created_at} /></td><td>{run.created_by?.name ?? "–"}</td></>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
