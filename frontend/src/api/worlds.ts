import type { Created } from "./datasets";
import { post } from "./http";
import type { Job } from "./shapes";

export interface WorldPart { part: string; knobs: Record<string, unknown> }
export interface WorldPreview { splits: { name: string; rows: number; first: Record<string, unknown>[] }[] }

export const previewWorld = (projectId: string, world: string, body: WorldPart) => post<Job<WorldPreview>>(`/projects/${projectId}/worlds/${world}/preview`, body);
export const createWorldDataset = (projectId: string, world: string, body: WorldPart & { name: string }) => post<Created>(`/projects/${projectId}/worlds/${world}/datasets`, body);
