/** Places labels of `height` pixels as near as may be to their wished centres without overlap, inside [top, bottom]. */
export function spreadLabels(wished: number[], height: number, top: number, bottom: number): number[] {
  const order = wished.map((_, index) => index).sort((a, b) => (wished[a] as number) - (wished[b] as number));
  const placed: number[] = new Array<number>(wished.length).fill(0);
  let edge = top;
  for (const index of order) {
    const centre = Math.max(wished[index] as number, edge + height / 2);
    placed[index] = centre;
    edge = centre + height / 2;
  }
  let floor = bottom;
  for (const index of order.reverse()) {
    placed[index] = Math.min(placed[index] as number, floor - height / 2);
    floor = (placed[index] as number) - height / 2;
  }
  return placed;
}
