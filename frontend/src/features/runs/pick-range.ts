/** The picks with all rows from the one picked last to this one, as a shift-click asks. */
export function withRange(picked: string[], order: string[], from: string | null, to: string): string[] {
  const [a, b] = [from === null ? -1 : order.indexOf(from), order.indexOf(to)];
  if (a < 0 || b < 0) return picked.includes(to) ? picked : [...picked, to];
  return [...new Set([...picked, ...order.slice(Math.min(a, b), Math.max(a, b) + 1)])];
}
