/** Colours of the charts, read from the page's tokens so that both themes hold on the canvas too. */
export interface PlotTheme {
  text: string;
  muted: string;
  line: string;
  surface: string;
  colour: (token: string) => string;
}

export function plotTheme(): PlotTheme {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(name).trim() || "#888";
  return { text: token("--ls-text"), muted: token("--ls-muted"), line: token("--ls-line"), surface: token("--ls-surface"), colour: token };
}

/** Calls back when the page changes between light and dark. */
export function onThemeChange(listener: () => void): () => void {
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-mantine-color-scheme"] });
  return () => observer.disconnect();
}

/** A hex colour with an opacity. */
export function faint(colour: string, opacity: number): string {
  const match = /^#([0-9a-f]{6})$/i.exec(colour);
  if (!match) return colour;
  const value = parseInt(match[1] as string, 16);
  return `rgba(${value >> 16}, ${(value >> 8) & 255}, ${value & 255}, ${opacity})`;
}
