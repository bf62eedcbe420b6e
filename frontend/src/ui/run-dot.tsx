/** The colour a run keeps everywhere: slot 0..7, given by the server. */
export function runColour(slot: number): string {
  return `var(--ls-run-${((slot % 8) + 8) % 8})`;
}

export function RunDot({ slot }: { slot: number }) {
  return <span aria-hidden style={{ flex: "none", display: "inline-block", width: 10, height: 10, borderRadius: 5, background: runColour(slot) }} />;
}
