import { EmptyState } from "@/ui/empty-state";

export function CheckpointsTab() {
  return <EmptyState title="Checkpoints" />;
}
