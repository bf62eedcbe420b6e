import { queryOptions } from "@tanstack/react-query";
import { get, post, remove, request } from "./http";
import type { Page, Recipe, RecipeRun, RecipeRunSummary } from "./shapes";

export type RecipeParams = Record<string, unknown>;

const OPEN = ["running", "waits_for_people"];
const LOOK_MS = 2000;

export const recipesQuery = (projectId: string) =>
  queryOptions({ queryKey: ["recipes", projectId], queryFn: async () => (await get<Page<Recipe>>(`/projects/${projectId}/recipes`, { limit: 200 })).items });

/** Looked at every two seconds while one of them is under way. */
export const recipeRunsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["recipe-runs", projectId],
    queryFn: async () => (await get<Page<RecipeRunSummary>>(`/projects/${projectId}/recipe-runs`, { limit: 50 })).items,
    refetchInterval: (query) => (query.state.data?.some((one) => OPEN.includes(one.state)) ? LOOK_MS : false),
  });

/** A failed one goes on when its run is tried again on its own page, so it is looked at too. */
export const recipeRunQuery = (id: string) =>
  queryOptions({
    queryKey: ["recipe-run", id],
    queryFn: () => get<RecipeRun>(`/recipe-runs/${id}`),
    refetchInterval: (query) => (query.state.data && [...OPEN, "failed"].includes(query.state.data.state) ? LOOK_MS : false),
  });

export const startRecipe = (projectId: string, recipe: string, params: RecipeParams, name: string) =>
  post<RecipeRun>(`/projects/${projectId}/recipe-runs`, { recipe, params, name });
export const cancelRecipeRun = (id: string) => post<RecipeRun>(`/recipe-runs/${id}/cancel`);
export const restartRecipeRun = (id: string, stage: string) => post<RecipeRun>(`/recipe-runs/${id}/restart`, { stage });
export const retryStage = (id: string, stage: string) => post<RecipeRun>(`/recipe-runs/${id}/stages/${stage}/retry`);
export const approveStage = (id: string, stage: string) => post<RecipeRun>(`/recipe-runs/${id}/stages/${stage}/approve`);

export const saveRecipe = (projectId: string, text: string) => post<Recipe>(`/projects/${projectId}/recipes`, { text });
export const changeRecipe = (id: string, text: string) => request<Recipe>("PUT", `/recipes/${id}`, { body: { text } });
export const deleteRecipe = (id: string) => remove(`/recipes/${id}`);
