import { IconCircleCheck, IconPlayerPlay } from "@tabler/icons-react";
import type { Campaign } from "@/api/shapes";
import { StateBadge } from "@/ui/state-badge";

export function CampaignState({ state }: { state: Campaign["state"] }) {
  const look = state === "open" ? { mark: "▶", word: "open", icon: IconPlayerPlay, colour: "var(--ls-live)" } : { mark: "✓", word: "finished", icon: IconCircleCheck, colour: "var(--ls-ok)" };
  return <StateBadge look={look} />;
}
