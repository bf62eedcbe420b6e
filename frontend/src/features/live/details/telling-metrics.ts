const FIRST = [/^eval\//, /^reward$/, /^kl$/, /^loss$/];
const MOST = 4;

/** The few metrics by which one checkpoint is chosen before another: evaluations, then reward, KL and loss, then what else there is. */
export function tellingMetrics(names: string[]): string[] {
  const rank = (name: string): number => {
    const at = FIRST.findIndex((pattern) => pattern.test(name));
    return at < 0 ? FIRST.length : at;
  };
  return [...new Set(names)].sort((a, b) => rank(a) - rank(b)).slice(0, MOST);
}
