import { ActionIcon, Button, createTheme, type CSSVariablesResolver, defaultVariantColorsResolver, Drawer, Menu, Modal, Popover, Select, Table, TextInput, Tooltip } from "@mantine/core";

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
const MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace';

export const theme = createTheme({
  fontFamily: FONT,
  fontFamilyMonospace: MONO,
  headings: { fontFamily: FONT, fontWeight: "600", sizes: { h1: { fontSize: "20px" }, h2: { fontSize: "16px" }, h3: { fontSize: "14px" } } },
  fontSizes: { xs: "12px", sm: "13px", md: "13px", lg: "16px", xl: "20px" },
  lineHeights: { xs: "1.35", sm: "1.45", md: "1.45", lg: "1.4", xl: "1.3" },
  spacing: { xs: "4px", sm: "8px", md: "12px", lg: "16px", xl: "24px" },
  radius: { xs: "2px", sm: "4px", md: "4px", lg: "4px", xl: "4px" },
  defaultRadius: "sm",
  primaryColor: "blue",
  colors: { dark: ["#e7eaee", "#c6ccd5", "#a3acb9", "#7c8696", "#333b47", "#262c36", "#1b1f26", "#15191f", "#101318", "#0b0d11"] },
  autoContrast: false,
  variantColorResolver: readable,
  respectReducedMotion: true,
  cursorType: "pointer",
  components: {
    Button: Button.extend({ defaultProps: { size: "compact-md" } }),
    ActionIcon: ActionIcon.extend({ defaultProps: { variant: "subtle", color: "var(--ls-muted)", size: 28 } }),
    TextInput: TextInput.extend({ defaultProps: { size: "sm" } }),
    Select: Select.extend({ defaultProps: { size: "sm", allowDeselect: false, comboboxProps: { shadow: "md" } } }),
    Popover: Popover.extend({ defaultProps: { shadow: "md", transitionProps: { duration: 120 } } }),
    Drawer: Drawer.extend({ defaultProps: { closeButtonProps: { "aria-label": "Close" } } }),
    Menu: Menu.extend({ defaultProps: { withInitialFocusPlaceholder: false } }),
    Modal: Modal.extend({ defaultProps: { centered: true, closeButtonProps: { "aria-label": "Close" }, transitionProps: { duration: 120 } } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 350, transitionProps: { duration: 120 } } }),
    Table: Table.extend({ defaultProps: { verticalSpacing: 4, horizontalSpacing: 8 }, styles: { th: { color: "var(--ls-muted)", fontSize: 12, fontWeight: 400 } } }),
  },
});

/** Words on a filled ground are dark in the dark scheme, where the grounds are light: white on them would stand at 2:1. */
function readable(input: Parameters<typeof defaultVariantColorsResolver>[0]): ReturnType<typeof defaultVariantColorsResolver> {
  const colours = defaultVariantColorsResolver(input);
  return input.variant === "filled" ? { ...colours, color: "var(--ls-on-accent)" } : colours;
}

/** Mantine's own variables follow the tokens of theme.css in both schemes. */
export const tokens: CSSVariablesResolver = () => ({ variables: {}, light: MAPPED, dark: MAPPED });

const MAPPED: Record<string, string> = {
  "--mantine-color-bright": "var(--ls-text)",
  "--mantine-color-body": "var(--ls-surface)",
  "--mantine-color-text": "var(--ls-text)",
  "--mantine-color-dimmed": "var(--ls-muted)",
  "--mantine-color-error": "var(--ls-bad)",
  "--mantine-color-success": "var(--ls-ok)",
  "--mantine-color-placeholder": "var(--ls-muted)",
  "--mantine-color-anchor": "var(--ls-accent)",
  "--mantine-color-default": "var(--ls-surface)",
  "--mantine-color-default-hover": "var(--ls-sunken)",
  "--mantine-color-default-color": "var(--ls-text)",
  "--mantine-color-default-border": "var(--ls-line)",
  "--mantine-color-disabled": "var(--ls-sunken)",
  "--mantine-color-disabled-color": "var(--ls-muted)",
  "--mantine-color-disabled-border": "var(--ls-line)",
  "--mantine-primary-color-filled": "var(--ls-accent)",
  "--mantine-primary-color-filled-hover": "color-mix(in srgb, var(--ls-accent) 86%, var(--ls-text))",
  "--mantine-primary-color-contrast": "var(--ls-on-accent)",
  "--mantine-primary-color-light": "var(--ls-tint)",
  "--mantine-primary-color-light-hover": "color-mix(in srgb, var(--ls-accent) 16%, transparent)",
  "--mantine-primary-color-light-color": "var(--ls-accent)",
  "--mantine-color-blue-filled": "var(--ls-accent)",
  "--mantine-color-blue-filled-hover": "color-mix(in srgb, var(--ls-accent) 86%, var(--ls-text))",
  "--mantine-color-blue-light": "var(--ls-tint)",
  "--mantine-color-blue-light-hover": "color-mix(in srgb, var(--ls-accent) 16%, transparent)",
  "--mantine-color-blue-light-color": "var(--ls-accent)",
  "--mantine-color-blue-outline": "var(--ls-accent)",
};
