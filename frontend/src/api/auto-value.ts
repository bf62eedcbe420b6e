/** The value that leaves a setting to the engine, and by what the engine chooses. */
export interface Auto { value: number; by: string }

/** A help that says "0 chooses by the model's size." names a value that is no setting but a wish: it is shown as "auto". */
export function autoOf(help: string): Auto | null {
  const said = /(?:^|[;.,] *)(-?\d+(?:\.\d+)?) chooses (by [^.;]+)/.exec(help);
  return said ? { value: Number(said[1]), by: said[2] ?? "" } : null;
}
