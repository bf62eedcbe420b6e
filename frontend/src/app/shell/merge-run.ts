import type { InfiniteData } from "@tanstack/react-query";
import type { Page, RunSummary } from "@/api/shapes";

export type RunPages = InfiniteData<Page<RunSummary>, string | null>;

/** The pages with one run replaced in its place; the very same object when no page holds it. Nothing moves. */
export function mergeRun(pages: RunPages | undefined, run: RunSummary): RunPages | undefined {
  const holds = (page: Page<RunSummary>) => page.items.some((item) => item.id === run.id);
  if (!pages?.pages.some(holds)) return pages;
  const replaced = pages.pages.map((page) => (holds(page) ? { ...page, items: page.items.map((item) => (item.id === run.id ? { ...item, ...run } : item)) } : page));
  return { ...pages, pages: replaced };
}
