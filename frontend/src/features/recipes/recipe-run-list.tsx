import { Table, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { RecipeRunSummary } from "@/api/shapes";
import { StateBadge } from "@/ui/state-badge";
import { Time } from "@/ui/time";
import { RECIPE_STATES } from "./stage-looks";

/** Recipes that were started, the newest first, with how many of their stages are done. */
export function RecipeRunList({ projectId, runs }: { projectId: string; runs: RecipeRunSummary[] }) {
  return (
    <Table.ScrollContainer minWidth={480}>
      <Table highlightOnHover verticalSpacing={6} horizontalSpacing={12}>
        <Table.Thead><Table.Tr>{["Name", "State", "Stages done", "Started", "By"].map((title) => <Table.Th key={title} c="dimmed" fz={12}>{title}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>
          {runs.map((run) => (
            <Table.Tr key={run.id}>
              <Table.Td fw={600}><Link className="ls-link" to="/p/$projectId/recipes/$recipeRunId" params={{ projectId, recipeRunId: run.id }}>{run.name}</Link></Table.Td>
              <Table.Td><StateBadge look={RECIPE_STATES[run.state]} /></Table.Td>
              <Table.Td>{run.stages.filter((stage) => stage.state === "succeeded" || stage.state === "reused").length} of {run.stages.length}{run.restarted_at ? <Text span c="dimmed"> · again from {run.restarted_at}</Text> : null}</Table.Td>
              <Table.Td c="dimmed"><Time at={run.created_at} /></Table.Td>
              <Table.Td>{run.created_by?.name ?? "–"}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
