import { expect, it } from "vitest";
import { dropView, isShown, keepView, savedViews } from "./saved-views";

function store(first: Record<string, string> = {}) {
  const kept = new Map(Object.entries(first));
  return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
}

it("keeps views by project and name, the newer in place of the older", () => {
  const at = store();
  keepView("p", { name: "mine", q: "by:ada" }, at);
  keepView("p", { name: "mine", q: "by:bob", sort: "-created_at" }, at);
  expect(savedViews("p", at)).toEqual([{ name: "mine", q: "by:bob", sort: "-created_at" }]);
  expect(savedViews("other", at)).toEqual([]);
  expect(dropView("p", "mine", at)).toEqual([]);
});

it("is not upset by what it cannot read", () => {
  expect(savedViews("p", store({ "lodestar.views.p": "{broken" }))).toEqual([]);
  expect(savedViews("p", store({ "lodestar.views.p": '[1, {"name": ""}, {"name": "x"}]' }))).toEqual([{ name: "x" }]);
});

it("knows the view that is shown", () => {
  expect(isShown({ name: "a", q: "x", cols: ["state"] }, { q: "x", cols: ["state"] })).toBe(true);
  expect(isShown({ name: "a", q: "x" }, { q: "x", sort: "name" })).toBe(false);
});
