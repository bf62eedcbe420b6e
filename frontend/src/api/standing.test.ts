import { expect, it } from "vitest";
import { standingIn } from "./standing";

const session = { projects: (["viewer", "annotator", "editor", "owner"] as const).map((role) => ({ id: role, name: role, role, is_demo: false })) };

it("lets editors and owners change things, nobody else", () => {
  const may = (id: string | null) => standingIn(session, id).canEdit;
  expect(["viewer", "annotator", "editor", "owner", "foreign", null].map(may)).toEqual([false, false, true, true, false, false]);
});

it("tells annotators and strangers apart", () => {
  expect(standingIn(session, "annotator")).toEqual({ role: "annotator", canEdit: false, onlyAnnotates: true });
  expect(standingIn(session, "foreign").role).toBeNull();
  expect(standingIn(undefined, "owner").role).toBeNull();
});
