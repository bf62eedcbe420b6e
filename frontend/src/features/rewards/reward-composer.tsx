import { Button, Group, Menu, Select, Stack, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { modelsQuery } from "@/api/models";
import type { FieldError } from "@/api/problem";
import type { RewardPipeline, RewardTerm, RewardTermCard } from "@/api/shapes";
import { EMPTY_REWARD } from "./pipeline-text";
import { RewardTermRow } from "./reward-term-row";
import { termName } from "./transform-words";

interface Props { projectId: string; cards: RewardTermCard[]; value: RewardPipeline | null; disabled?: boolean; errors: FieldError[]; onChange: (reward: RewardPipeline | null) => void }

const AGGREGATES = [{ value: "weighted_sum", label: "weighted sum" }, { value: "product", label: "product" }, { value: "min", label: "smallest" }];
const ON_NAN = [{ value: "refuse", label: "stop the run" }, { value: "drop", label: "leave the answer out" }, { value: "zero", label: "count as 0" }];

/** Named terms with weights, transforms and gates, and how they become one number. `errors` are paths into the reward. */
export function RewardComposer({ projectId, cards, value, disabled, errors, onChange }: Props) {
  const models = useQuery(modelsQuery(projectId)).data ?? [];
  const reward = value ?? EMPTY_REWARD;
  const setTerm = (index: number, term: RewardTerm | null) => {
    const terms = reward.terms.flatMap((one, at) => (at !== index ? [one] : term ? [term] : []));
    onChange(terms.length > 0 ? { ...reward, terms } : null);
  };
  const add = (card: RewardTermCard) => {
    const fitting = card.model_required ? models.filter((model) => model.kind === card.model && model.state === "ready") : [];
    const only = fitting.length === 1 ? { model_id: fitting[0]?.id } : {};
    onChange({ ...reward, terms: [...reward.terms, { name: termName(card.kind, reward.terms.map((term) => term.name)), kind: card.kind, weight: 1, params: {}, ...only }] });
  };
  const whole = errors.filter((error) => !/^terms\.\d+\./.test(error.field));
  return (
    <Stack gap={8}>
      {reward.terms.map((term, index) => (
        <RewardTermRow
          key={index} term={term} card={cards.find((card) => card.kind === term.kind)} cards={cards} models={models} disabled={disabled} onChange={(next) => setTerm(index, next)}
          errors={errors.filter((error) => error.field.startsWith(`terms.${index}.`)).map((error) => ({ ...error, field: error.field.slice(`terms.${index}.`.length) }))}
        />
      ))}
      {whole.map((error) => <Text key={error.message} c="var(--ls-bad)" size="xs" role="alert">{error.message}</Text>)}
      <Group gap={12} align="flex-end">
        <Menu position="bottom-start" width={340} shadow="md">
          <Menu.Target><Button variant="default" leftSection={<IconPlus size={14} />} disabled={disabled}>Add term</Button></Menu.Target>
          <Menu.Dropdown mah={380} style={{ overflowY: "auto" }}>
            {cards.map((card) => (
              <Menu.Item key={card.kind} onClick={() => add(card)}>
                <Text fw={600}>{card.title}</Text>
                <Text size="xs" c="dimmed">{card.summary}</Text>
                <Text size="xs" c="dimmed">{[card.range, card.columns.length > 0 && `reads ${card.columns.join(", ")}`, card.model && (card.model === "reward" ? "asks a reward model" : "asks a model")].filter(Boolean).join(" · ")}</Text>
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
        {reward.terms.length > 1 ? <Select w={150} label="Join by" data={AGGREGATES} value={reward.aggregate} disabled={disabled} onChange={(aggregate) => onChange({ ...reward, aggregate: aggregate as RewardPipeline["aggregate"] })} /> : null}
        {reward.terms.length > 0 ? <Select w={190} label="If one is not a number" data={ON_NAN} value={reward.on_nan} disabled={disabled} onChange={(on) => onChange({ ...reward, on_nan: on as RewardPipeline["on_nan"] })} /> : null}
      </Group>
    </Stack>
  );
}
