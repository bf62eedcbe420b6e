import type { MantineColorScheme, MantineColorSchemeManager } from "@mantine/core";

const COOKIE = "lodestar_theme";
const SCHEMES = ["light", "dark", "auto"] as const;

/** The scheme named in a cookie header, or null when it names none. */
export function schemeIn(cookies: string): MantineColorScheme | null {
  const value = cookies.split("; ").find((part) => part.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
  return SCHEMES.find((scheme) => scheme === value) ?? null;
}

/** Keeps the scheme in a cookie, so that the server writes it as an attribute of <html> before the first paint. */
export function cookieColorSchemeManager(): MantineColorSchemeManager {
  const write = (value: string, seconds: number) => {
    document.cookie = `${COOKIE}=${value}; path=/; max-age=${seconds}; samesite=lax`;
  };
  return {
    get: (fallback) => schemeIn(document.cookie) ?? fallback,
    set: (value) => write(value, 31_536_000),
    subscribe: () => undefined,
    unsubscribe: () => undefined,
    clear: () => write("", 0),
  };
}
