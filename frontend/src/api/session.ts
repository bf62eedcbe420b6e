import { queryOptions } from "@tanstack/react-query";
import { get, post, remove, setCsrfToken } from "./http";
import type { Session } from "./shapes";

export const sessionQuery = queryOptions({ queryKey: ["session"], queryFn: loadSession, staleTime: 60_000 });

async function loadSession(): Promise<Session> {
  return remember(await get<Session>("/session"));
}

/** Asks for a CSRF token first, since a stranger's page has none yet. */
export async function signIn(email: string, password: string): Promise<Session> {
  await loadSession();
  return remember(await post<Session>("/session", { email, password }));
}

/** Redeems a one-time sign-in link. The page may be the first one a browser opens, so it fetches a CSRF token before. */
export async function signInByLink(token: string): Promise<Session> {
  await loadSession();
  await loadSession();
  return remember(await post<Session>("/session/link", { token }));
}

export async function signOut(): Promise<void> {
  await remove("/session");
}

function remember(session: Session): Session {
  setCsrfToken(session.csrf_token);
  return session;
}
