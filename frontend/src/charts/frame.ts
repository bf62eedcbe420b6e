/** Runs `draw` at most once per animation frame however often it is asked; the returned object can be cancelled. */
export function oncePerFrame(draw: () => void): { ask: () => void; cancel: () => void } {
  let asked = 0;
  const run = (): void => {
    asked = 0;
    draw();
  };
  return {
    ask: () => {
      if (asked === 0) asked = requestAnimationFrame(run);
    },
    cancel: () => {
      if (asked !== 0) cancelAnimationFrame(asked);
      asked = 0;
    },
  };
}
