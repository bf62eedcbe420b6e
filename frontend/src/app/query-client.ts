import { QueryClient } from "@tanstack/react-query";
import { whenSignedOut } from "@/api/http";
import { Problem } from "@/api/problem";
import { sessionQuery } from "@/api/session";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: true,
      retry: (count, error) => count < 2 && (!(error instanceof Problem) || error.status === 0 || error.status >= 500),
    },
  },
});

whenSignedOut(() => {
  void queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey });
});
