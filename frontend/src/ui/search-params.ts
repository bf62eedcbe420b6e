/** Validated search parameters: defaults are stripped from the address, a bad value is dropped, never a blank page. */

export type Reader<T> = (raw: unknown) => T | undefined;
export type SearchShape = Record<string, Reader<unknown>>;
export type SearchOf<S extends SearchShape> = { [K in keyof S]?: S[K] extends Reader<infer T> ? T : never };

/** A `validateSearch` of the router: reads each known parameter, drops the rest. */
export function search<S extends SearchShape>(shape: S): (raw: Record<string, unknown>) => SearchOf<S> {
  return (raw) => {
    const result: Record<string, unknown> = {};
    for (const [name, read] of Object.entries(shape)) {
      const value = raw[name] === undefined ? undefined : read(raw[name]);
      if (value !== undefined) result[name] = value;
    }
    return result as SearchOf<S>;
  };
}

export const text: Reader<string> = (raw) => (raw === "" || raw === null ? undefined : String(raw));

export const whole: Reader<number> = (raw) => {
  const value = Number(raw);
  return Number.isInteger(value) && raw !== "" && raw !== null ? value : undefined;
};

export const flag: Reader<true> = (raw) => (raw === true || raw === 1 || raw === "1" || raw === "true" ? true : undefined);

/** One of the choices; the default is stripped. */
export function choice<const T extends string>(choices: readonly T[], fallback?: T): Reader<T> {
  return (raw) => {
    const value = choices.find((one) => one === raw);
    return value === fallback ? undefined : value;
  };
}

/** a,b,c as an array. */
export const list: Reader<string[]> = (raw) => {
  const items = (Array.isArray(raw) ? raw.map(String) : String(raw).split(",")).map((item) => item.trim()).filter(Boolean);
  return items.length > 0 ? items : undefined;
};

/** Plain addresses: ?q=a&sel=x,y without JSON quotes. */
export function parseSearch(address: string): Record<string, unknown> {
  return Object.fromEntries(new URLSearchParams(address));
}

export function stringifySearch(values: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === null || value === "") continue;
    params.set(name, Array.isArray(value) ? value.join(",") : value === true ? "1" : String(value));
  }
  const text = params.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return text ? `?${text}` : "";
}
