/** The trail in the top bar: the open page sets it, the shell shows it. The last crumb may list its siblings. */

import { useEffect, useSyncExternalStore } from "react";

export interface Crumb { label: string; to?: string; siblings?: { label: string; to: string }[] }

let trail: Crumb[] = [];
const listeners = new Set<() => void>();

/** Sets the trail and the window's title for as long as the page is open. */
export function useBreadcrumbs(crumbs: Crumb[], title?: string): void {
  const signature = JSON.stringify(crumbs);
  useEffect(() => {
    trail = JSON.parse(signature) as Crumb[];
    for (const listener of listeners) listener();
  }, [signature]);
  const name = title ?? crumbs.at(-1)?.label ?? "";
  useEffect(() => {
    document.title = name ? `${name} · Lodestar` : "Lodestar";
  }, [name]);
}

export function useTrail(): Crumb[] {
  return useSyncExternalStore(subscribe, () => trail);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
