/** "1 run", "3 runs". */
export function countRuns(count: number): string {
  return `${count} ${count === 1 ? "run" : "runs"}`;
}
