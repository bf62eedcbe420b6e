import { queryOptions } from "@tanstack/react-query";
import { get, patch, post, remove } from "./http";
import type { AuditEntry, Member, Page, Project, Role, Scope, Token, Worker } from "./shapes";

type Listed<T> = T[] | Page<T>;
const items = <T>(answer: Listed<T>): T[] => (Array.isArray(answer) ? answer : answer.items);

export const projectQuery = (id: string) => queryOptions({ queryKey: ["project", id], queryFn: () => get<Project>(`/projects/${id}`) });
export const createProject = (name: string, description = "") => post<Project>("/projects", { name, description });
export const editProject = (id: string, change: { name?: string; description?: string }) => patch<Project>(`/projects/${id}`, change);
export const deleteProject = (id: string) => remove(`/projects/${id}`);

export const membersQuery = (id: string) =>
  queryOptions({ queryKey: ["members", id], queryFn: async () => items(await get<Listed<Member>>(`/projects/${id}/members`)) });
export const addMember = (projectId: string, email: string, role: Role) => post<Member>(`/projects/${projectId}/members`, { email, role });
export const editMember = (id: string, role: Role) => patch<Member>(`/members/${id}`, { role });
export const removeMember = (id: string) => remove(`/members/${id}`);

export const tokensQuery = queryOptions({ queryKey: ["tokens"], queryFn: async () => items(await get<Listed<Token>>("/tokens")) });
export interface NewToken { name: string; scopes: Scope[]; expires_at?: string | null; project_id?: string | null }
export const createToken = (token: NewToken) => post<Token>("/tokens", token);
export const revokeToken = (id: string) => remove(`/tokens/${id}`);

export const auditQuery = (id: string, cursor: string | null) =>
  queryOptions({ queryKey: ["audit", id, cursor], queryFn: () => get<Page<AuditEntry>>(`/projects/${id}/audit`, { cursor, limit: 50 }) });

export const workersQuery = queryOptions({
  queryKey: ["workers"],
  queryFn: async () => items(await get<Listed<Worker>>("/workers")),
  refetchInterval: 5000,
});

export const editMe = (name: string) => patch<{ name: string }>("/me", { name });
export const setPassword = (change: { old?: string; new: string }) => post<undefined>("/me/password", change);
