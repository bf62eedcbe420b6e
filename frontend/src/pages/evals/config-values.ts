/** The config with one setting changed; undefined takes it back to its default. */
export function withValue(config: Record<string, unknown>, path: string[], value: unknown): Record<string, unknown> {
  const [key = "", ...below] = path;
  if (below.length === 0) return value === undefined ? Object.fromEntries(Object.entries(config).filter(([name]) => name !== key)) : { ...config, [key]: value };
  const inner = config[key];
  return { ...config, [key]: withValue(typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>) : {}, below, value) };
}
