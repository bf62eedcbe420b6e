import { expect, it } from "vitest";
import { keyName, match, type ShortcutGroup } from "./shortcuts";

const nothing = () => undefined;
const groups: ShortcutGroup[] = [
  { name: "Everywhere", shortcuts: [{ keys: "g r", label: "Runs", run: nothing }, { keys: "x", label: "old", run: nothing }] },
  { name: "Runs", shortcuts: [{ keys: "x", label: "Pick", run: nothing }] },
];

it("finds a single key, the page's own before the general one", () => {
  expect(match(groups, ["x"]).found?.label).toBe("Pick");
});

it("keeps a sequence open until its last key", () => {
  expect(match(groups, ["g"])).toEqual({ found: null, open: true });
  expect(match(groups, ["g", "r"]).found?.label).toBe("Runs");
});

it("writes presses the way shortcuts are declared", () => {
  expect(keyName({ key: "Enter", ctrlKey: true, metaKey: false, altKey: false })).toBe("ctrl+enter");
  expect(keyName({ key: "k", ctrlKey: false, metaKey: true, altKey: false })).toBe("ctrl+k");
  expect(keyName({ key: "Y", ctrlKey: false, metaKey: false, altKey: false })).toBe("Y");
});
