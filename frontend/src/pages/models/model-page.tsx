import { PageFrame } from "@/ui/page";

export function ModelPage() {
  return <PageFrame title="Model">{null}</PageFrame>;
}
