import { expect, it } from "vitest";
import type { Lineage, LineageNode } from "@/api/lineage";
import { inputsOf, layers, placeOf } from "./layers";

const node = (id: string, kind: LineageNode["kind"]): LineageNode => ({ id, kind, name: id.toUpperCase(), state: "", subject_id: id, number: kind === "data" ? 2 : null });
const LINEAGE: Lineage = {
  nodes: [node("exam", "evaluation"), node("policy", "model"), node("ppo", "run"), node("base", "model"), node("rows", "data")],
  edges: [{ source: "base", target: "ppo", role: "policy" }, { source: "rows", target: "ppo", role: "train" }, { source: "ppo", target: "policy", role: "" }, { source: "policy", target: "exam", role: "policy" }],
  cut: false,
};

it("puts everything right of what went into it", () => {
  expect(layers(LINEAGE).map((column) => column.map((one) => one.id))).toEqual([["base", "rows"], ["ppo"], ["policy"], ["exam"]]);
});

it("ends when edges run in a circle", () => {
  expect(layers({ ...LINEAGE, edges: [...LINEAGE.edges, { source: "exam", target: "base", role: "" }] }).flat()).toHaveLength(5);
});

it("says in which role a thing was used, and where it is shown", () => {
  expect(inputsOf(LINEAGE, node("ppo", "run"))).toBe("policy: BASE · train: ROWS");
  expect(placeOf("p1", node("rows", "data"))).toBe("/p/p1/data/rows/v/2/rows");
});
