import { getRouteApi } from "@tanstack/react-router";
import { useCallback } from "react";
import { CurvesView } from "@/features/live/curves/curves-view";
import type { CurvesSearch } from "@/features/live/curves/use-chart-view";

const route = getRouteApi("/signed-in/p/$projectId/runs/$runId/system");

/** What the machine does meanwhile: processor, memory, graphics cards. */
export function SystemTab() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const onSearch = useCallback((change: Partial<CurvesSearch>) => void navigate({ search: (old) => ({ ...old, ...change }), replace: true }), [navigate]);
  return <CurvesView search={search} onSearch={onSearch} keep={isMachine} />;
}

function isMachine(name: string): boolean {
  return name.startsWith("system/");
}
