import { PageFrame } from "@/ui/page";

export function RunsPage() {
  return <PageFrame title="Runs">{null}</PageFrame>;
}
