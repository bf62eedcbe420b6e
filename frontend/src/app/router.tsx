import { createRouter } from "@tanstack/react-router";
import { parseSearch, stringifySearch } from "@/ui/search-params";
import { FailedState } from "@/ui/failed-state";
import { routeTree } from "./routes";
import { NotFound } from "./not-found";

export const router = createRouter({
  routeTree,
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
  scrollRestoration: true,
  defaultPendingMs: 200,
  defaultNotFoundComponent: NotFound,
  defaultErrorComponent: ({ error, reset }) => <FailedState error={error} onRetry={reset} />,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
