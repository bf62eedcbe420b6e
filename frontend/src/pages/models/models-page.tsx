import { PageFrame } from "@/ui/page";

export function ModelsPage() {
  return <PageFrame title="Models">{null}</PageFrame>;
}
