/** The filter line as tokens, so that each can be shown as a chip and taken away. The server has the grammar. */

/** Splits at spaces outside of quotes. */
export function tokensOf(line: string): string[] {
  return line.match(/(?:[^\s"]+|"[^"]*"?)+/g) ?? [];
}

export function withoutToken(line: string, index: number): string {
  return tokensOf(line).filter((_, at) => at !== index).join(" ");
}

/** The line with a condition; one on the same field is replaced. */
export function withToken(line: string, token: string): string {
  const field = token.match(/^([\w.]+):/)?.[1];
  const kept = tokensOf(line).filter((one) => one !== token && !(field && field !== "tag" && one.startsWith(`${field}:`)));
  return [...kept, token].join(" ");
}

/** `tag:"two words"`: quoted where needed. */
export function condition(field: string, value: string): string {
  return /\s/.test(value) ? `${field}:"${value.replaceAll('"', "")}"` : `${field}:${value}`;
}
