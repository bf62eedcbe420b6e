import { EmptyState } from "@/ui/empty-state";

export function SystemTab() {
  return <EmptyState title="System" />;
}
