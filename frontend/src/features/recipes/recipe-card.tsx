import { Button, Group, Text } from "@mantine/core";
import { IconPencil, IconPlayerPlay, IconTrash } from "@tabler/icons-react";
import type { Recipe } from "@/api/shapes";
import cards from "@/ui/cards.module.css";

interface Props { recipe: Recipe; canEdit: boolean; onStart: () => void; onEdit: () => void; onDelete: () => void }

/** One recipe of the gallery: what it does, its stages in a row, and what it needs. */
export function RecipeCard({ recipe, canEdit, onStart, onEdit, onDelete }: Props) {
  const needs = Object.values(recipe.params).filter((param) => !param.optional && param.default === null).map((param) => param.title.toLowerCase());
  return (
    <li className={cards.card} style={{ gridTemplateRows: "auto auto auto 1fr" }}>
      <Group gap={8} justify="flex-start"><Text component="h2" fw={600} fz={14}>{recipe.title}</Text><Text c="dimmed" fz={12}>{recipe.built_in ? "built in" : "of this project"}</Text></Group>
      <Text>{recipe.summary}</Text>
      <Text c="dimmed">{recipe.stages.map((stage) => stage.title).join(" → ")}</Text>
      <Text>{needs.length > 0 ? `Needs ${needs.join(", ")}.` : "Needs nothing."}</Text>
      {canEdit ? (
        <footer style={{ alignSelf: "end" }}><Group gap={8} mt={4}>
          <Button leftSection={<IconPlayerPlay size={14} />} onClick={onStart} aria-label={`Start ${recipe.title}`}>Start</Button>
          <Button variant="default" leftSection={<IconPencil size={14} />} onClick={onEdit} aria-label={`${recipe.built_in ? "Copy and edit" : "Edit"} ${recipe.title}`}>{recipe.built_in ? "Copy and edit" : "Edit"}</Button>
          {recipe.built_in ? null : <Button variant="subtle" leftSection={<IconTrash size={14} />} onClick={onDelete} aria-label={`Delete ${recipe.title}`}>Delete</Button>}
        </Group></footer>
      ) : null}
    </li>
  );
}
