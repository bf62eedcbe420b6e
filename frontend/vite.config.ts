import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const backend = process.env.LODESTAR_BACKEND ?? "http://127.0.0.1:8000";

/** Django serves `dist/` under /static/ and fills the placeholders of index.html (nonce, theme). */
export default defineConfig(({ command, mode }) => ({
  plugins: [react(), command === "serve" && mode !== "test" ? developmentPlaceholders() : null],
  base: command === "build" ? "/static/" : "/",
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  html: command === "build" ? { cspNonce: "__CSP_NONCE__" } : {},
  build: { target: "es2022", sourcemap: false, assetsInlineLimit: 0, chunkSizeWarningLimit: 700 },
  server: {
    proxy: {
      "/api": { target: backend },
      "/healthz": { target: backend },
      "/ws": { target: backend, ws: true },
    },
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
}));

function developmentPlaceholders() {
  return {
    name: "development-placeholders",
    transformIndexHtml: (html: string) => html.replaceAll("__THEME__", "auto").replaceAll("__CSP_NONCE__", ""),
  };
}
