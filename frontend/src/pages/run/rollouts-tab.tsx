import { EmptyState } from "@/ui/empty-state";

export function RolloutsTab() {
  return <EmptyState title="Rollouts" />;
}
