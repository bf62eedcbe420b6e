/** An audit entry's detail as one line: `role: editor · email: …`. */
export function detailText(detail: Record<string, unknown>): string {
  return Object.entries(detail).map(([key, value]) => `${key}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`).join(" · ");
}
