import { getRouteApi } from "@tanstack/react-router";
import { useCallback } from "react";
import { CurvesView } from "@/features/live/curves/curves-view";
import { useRun } from "@/features/live/run-context";
import type { CurvesSearch } from "@/features/live/curves/use-chart-view";

import { TaskReport } from "./task-report";

const route = getRouteApi("/signed-in/p/$projectId/runs/$runId/curves");

/** How the policy learns: every curve but the machine's own. */
export function CurvesTab() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { run } = useRun();
  const onSearch = useCallback((change: Partial<CurvesSearch>) => void navigate({ search: (old) => ({ ...old, ...change }), replace: !("at" in change) }), [navigate]);
  if (run.kind === "evaluate" || run.kind === "generate") return <TaskReport run={run} />;
  return <CurvesView search={search} onSearch={onSearch} keep={isLearning} />;
}

function isLearning(name: string): boolean {
  return !name.startsWith("system/");
}
