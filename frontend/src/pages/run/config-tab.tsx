import { EmptyState } from "@/ui/empty-state";

export function ConfigTab() {
  return <EmptyState title="Config" />;
}
