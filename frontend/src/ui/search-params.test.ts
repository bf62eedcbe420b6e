import { expect, it } from "vitest";
import { choice, flag, list, parseSearch, search, stringifySearch, text, whole } from "./search-params";

const validate = search({ q: text, at: whole, sel: list, smooth: flag, x: choice(["step", "time"], "step") });

it("reads what it knows and drops what is bad or unknown", () => {
  expect(validate({ q: "kl<5", at: "12", sel: "a,b", smooth: "1", x: "time", other: "?" })).toEqual({
    q: "kl<5", at: 12, sel: ["a", "b"], smooth: true, x: "time",
  });
  expect(validate({ at: "twelve", x: "moon" })).toEqual({});
});

it("strips defaults", () => {
  expect(validate({ x: "step" })).toEqual({});
});

it("writes plain addresses that read back the same", () => {
  const written = stringifySearch({ q: "state:running kl<5", sel: ["a", "b"], smooth: true, gone: undefined });
  expect(written).toBe("?q=state:running+kl%3C5&sel=a,b&smooth=1");
  expect(validate(parseSearch(written))).toEqual({ q: "state:running kl<5", sel: ["a", "b"], smooth: true });
});
