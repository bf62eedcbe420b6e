/** The value that leaves a setting to the engine, the word shown for it, and by what the engine chooses. */
export interface Auto { value: number; word: string; said: string }

/**
 * A help that says "0 chooses by the model's size." or "-1 takes it from the epochs." names a value that is no setting
 * but a wish: it is shown as "auto", as "from the epochs".
 */
export function autoOf(help: string): Auto | null {
  const said = /(?:^|[;.,] *)(-?\d+(?:\.\d+)?) (?:chooses (by [^.;]+)|takes it (from [^.;]+))/.exec(help);
  if (!said) return null;
  const [, value, by, from] = said;
  return by ? { value: Number(value), word: "auto", said: `Chosen ${by}.` } : { value: Number(value), word: from ?? "", said: `Taken ${from ?? ""}.` };
}
