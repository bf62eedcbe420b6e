/** Ways of looking at the runs table, kept in this browser for each project. */

export interface SavedView { name: string; q?: string; sort?: string; cols?: string[] }

const MOST = 50;
const keyOf = (projectId: string) => `lodestar.views.${projectId}`;

export function savedViews(projectId: string, store: Pick<Storage, "getItem"> = localStorage): SavedView[] {
  try {
    const read: unknown = JSON.parse(store.getItem(keyOf(projectId)) ?? "[]");
    return Array.isArray(read) ? read.filter(isView) : [];
  } catch {
    return [];
  }
}

/** Keeps a view under its name, in place of an earlier one of that name. */
export function keepView(projectId: string, view: SavedView, store: Pick<Storage, "getItem" | "setItem"> = localStorage): SavedView[] {
  const next = [...savedViews(projectId, store).filter((one) => one.name !== view.name), view].slice(-MOST);
  store.setItem(keyOf(projectId), JSON.stringify(next));
  return next;
}

export function dropView(projectId: string, name: string, store: Pick<Storage, "getItem" | "setItem"> = localStorage): SavedView[] {
  const next = savedViews(projectId, store).filter((one) => one.name !== name);
  store.setItem(keyOf(projectId), JSON.stringify(next));
  return next;
}

/** Whether what the table shows is this view. */
export function isShown(view: SavedView, shown: Omit<SavedView, "name">): boolean {
  return (view.q ?? "") === (shown.q ?? "") && view.sort === shown.sort && (view.cols ?? []).join() === (shown.cols ?? []).join();
}

function isView(value: unknown): value is SavedView {
  return typeof value === "object" && value !== null && "name" in value && typeof value.name === "string" && value.name !== "";
}
