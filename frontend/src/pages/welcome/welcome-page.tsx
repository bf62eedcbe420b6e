import { PageFrame } from "@/ui/page";

export function WelcomePage() {
  return <PageFrame title="Welcome">{null}</PageFrame>;
}
