import { PageFrame } from "@/ui/page";

export function WorkersPage() {
  return <PageFrame title="Workers">{null}</PageFrame>;
}
