import { PageFrame } from "@/ui/page";

export function MePage() {
  return <PageFrame title="You">{null}</PageFrame>;
}
