import { expect, it } from "vitest";
import { freeSlots } from "./slots";

it("counts the places of workers that answer, never below zero", () => {
  const workers = [
    { online: true, slots: 2, running: ["run_a"] },
    { online: true, slots: 1, running: ["run_b", "run_c"] },
    { online: false, slots: 8, running: [] },
  ];
  expect(freeSlots(workers)).toEqual({ free: 1, total: 3, online: 2 });
});
