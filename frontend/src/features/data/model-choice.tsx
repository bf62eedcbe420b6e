import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { modelsQuery } from "@/api/models";

/** Whose tokenizer and template to look through: the project's ready models, the first one until another is chosen. */
export function useModelChoice(projectId: string, chosen: string | undefined): { modelId: string | undefined; models: { value: string; label: string }[]; loading: boolean } {
  const query = useQuery(modelsQuery(projectId));
  const models = (query.data ?? []).filter((model) => model.state === "ready").map((model) => ({ value: model.id, label: model.name }));
  return { modelId: chosen ?? models[0]?.value, models, loading: query.isPending };
}

export function ModelChoice({ modelId, models, onModel }: { modelId: string | undefined; models: { value: string; label: string }[]; onModel: (id: string) => void }) {
  return <Select w={240} label="Through the eyes of" value={modelId ?? null} data={models} onChange={(id) => id && onModel(id)} placeholder="No model is ready" />;
}
