import { PageFrame } from "@/ui/page";

export function DatasetPage() {
  return <PageFrame title="Data set">{null}</PageFrame>;
}
