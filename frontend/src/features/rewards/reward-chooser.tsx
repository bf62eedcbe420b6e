import { Anchor, Group, Select, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { FieldError } from "@/api/problem";
import { rewardsQuery } from "@/api/rewards";
import type { RewardPipeline, RewardTermCard } from "@/api/shapes";
import { RewardComposer } from "./reward-composer";
import { termText } from "./transform-words";

interface Props {
  projectId: string; cards: RewardTermCard[]; value: RewardPipeline | null; versionId: string | null; required: boolean; disabled?: boolean; errors: FieldError[];
  onChange: (reward: RewardPipeline | null, versionId: string | null) => void;
}
const OWN = "own";

/** A run's reward: a saved version, whose copy the run keeps, or terms of its own. `errors` are paths into the draft. */
export function RewardChooser({ projectId, cards, value, versionId, required, disabled, errors, onChange }: Props) {
  const rewards = useQuery(rewardsQuery(projectId)).data ?? [];
  const saved = rewards.map((reward) => ({ value: reward.latest.id, label: `${reward.name} v${reward.latest.number}` }));
  const older = versionId && !saved.some((one) => one.value === versionId) ? [{ value: versionId, label: `version ${versionId}` }] : [];
  const chosen = rewards.find((reward) => reward.latest.id === versionId);
  const inside = errors.filter((error) => error.field.startsWith("reward.")).map((error) => ({ ...error, field: error.field.slice("reward.".length) }));
  const whole = errors.filter((error) => error.field === "reward").map((error) => ({ ...error, field: "" }));
  return (
    <Stack gap={8}>
      <Select
        label="Reward" required={required} disabled={disabled} data={[{ value: OWN, label: "Terms of this run" }, ...saved, ...older]} value={versionId ?? OWN} error={errors.find((error) => error.field === "reward_version_id")?.message}
        onChange={(picked) => picked && (picked === OWN ? onChange(chosen?.latest.pipeline ? { ...chosen.latest.pipeline, version_id: undefined } : value, null) : onChange(null, picked))}
      />
      {chosen ? (
        <Stack gap={4}>
          {chosen.latest.pipeline.terms.map((term) => <Text key={term.name} size="xs"><strong>{term.gate ? "gate" : term.weight} {term.name}</strong> <span style={{ color: "var(--ls-muted)" }}>{term.kind}{termText(term) ? ` → ${termText(term)}` : ""}</span></Text>)}
          <Group gap={12}><Anchor component={Link} size="xs" underline="always" to={`/p/${projectId}/rewards/${chosen.id}/v/${chosen.latest.number}/compose`}>Open the reward</Anchor></Group>
        </Stack>
      ) : null}
      {versionId ? null : <RewardComposer projectId={projectId} cards={cards} value={value} disabled={disabled} errors={[...inside, ...whole]} onChange={(reward) => onChange(reward, null)} />}
    </Stack>
  );
}
