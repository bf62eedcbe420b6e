import { PageFrame } from "@/ui/page";

export function DataPage() {
  return <PageFrame title="Data">{null}</PageFrame>;
}
