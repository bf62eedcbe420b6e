import { expect, it } from "vitest";
import { condition, tokensOf, withoutToken, withToken } from "./filter-tokens";

it("keeps quoted words together", () => {
  expect(tokensOf('state:running tag:"long run" kl<5  warm')).toEqual(["state:running", 'tag:"long run"', "kl<5", "warm"]);
  expect(tokensOf("")).toEqual([]);
});

it("takes one away and puts one in, the same field once", () => {
  expect(withoutToken("a b c", 1)).toBe("a c");
  expect(withToken("warm state:running", "state:failed")).toBe("warm state:failed");
  expect(withToken("tag:a", "tag:b")).toBe("tag:a tag:b");
});

it("quotes what has spaces", () => {
  expect(condition("tag", "long run")).toBe('tag:"long run"');
});
