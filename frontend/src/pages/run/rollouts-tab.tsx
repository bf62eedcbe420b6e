import { getRouteApi } from "@tanstack/react-router";
import { RolloutsView, type RolloutsSearch } from "@/features/live/rollouts/rollouts-view";

const route = getRouteApi("/signed-in/p/$projectId/runs/$runId/rollouts");

/** What the policy writes, prompt by prompt, down to the token. */
export function RolloutsTab() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const onSearch = (change: Partial<RolloutsSearch>): void => void navigate({ search: (old) => ({ ...old, ...change }), replace: !("ro" in change) });
  return <RolloutsView search={search} onSearch={onSearch} />;
}
