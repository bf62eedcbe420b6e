import { getRouteApi } from "@tanstack/react-router";
import { LogsView, type LogsSearch } from "@/features/live/logs/logs-view";

const route = getRouteApi("/signed-in/p/$projectId/runs/$runId/logs");

export function LogsTab() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const onSearch = (change: Partial<LogsSearch>): void => void navigate({ search: (old) => ({ ...old, ...change }), replace: true });
  return <LogsView search={search} onSearch={onSearch} />;
}
