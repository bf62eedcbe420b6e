import { PageFrame } from "@/ui/page";

export function HomePage() {
  return <PageFrame title="Home">{null}</PageFrame>;
}
