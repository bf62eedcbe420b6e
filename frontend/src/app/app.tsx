import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { cookieColorSchemeManager } from "./color-scheme";
import { queryClient } from "./query-client";
import { router } from "./router";
import { theme, tokens } from "./theme";

const colorSchemeManager = cookieColorSchemeManager();

/** The nonce that Django wrote into the page; styles made at run time carry it, those of overlays' scroll lock too. */
function pageNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";
}

setNonce(pageNonce());

export function App() {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={tokens} colorSchemeManager={colorSchemeManager} defaultColorScheme="auto" getStyleNonce={pageNonce}>
      <QueryClientProvider client={queryClient}>
        <Notifications position="bottom-right" limit={4} />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
