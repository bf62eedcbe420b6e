import { EmptyState } from "@/ui/empty-state";

export function LogsTab() {
  return <EmptyState title="Logs" />;
}
