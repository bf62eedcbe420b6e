import { PageFrame } from "@/ui/page";

export function SettingsPage() {
  return <PageFrame title="Settings">{null}</PageFrame>;
}
