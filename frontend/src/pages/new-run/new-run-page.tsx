import { PageFrame } from "@/ui/page";

export function NewRunPage() {
  return <PageFrame title="New run">{null}</PageFrame>;
}
