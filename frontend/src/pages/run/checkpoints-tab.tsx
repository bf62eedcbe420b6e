import { CheckpointsView } from "@/features/live/details/checkpoints-view";

export function CheckpointsTab() {
  return <CheckpointsView />;
}
