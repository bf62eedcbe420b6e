import { EmptyState } from "@/ui/empty-state";

export function CurvesTab() {
  return <EmptyState title="Curves" />;
}
