import { expect, it } from "vitest";
import { jumpTarget } from "./jump-target";

it("leads from an id to its page", () => {
  expect(jumpTarget(" run_abcdefgh234567abcdef ", "prj_1")).toBe("/p/prj_1/runs/run_abcdefgh234567abcdef");
  expect(jumpTarget("mdl_abcdefgh2345", "prj_1")).toBe("/p/prj_1/models/mdl_abcdefgh2345");
  expect(jumpTarget("rwd_abcdefgh2345", "prj_1")).toBe("/p/prj_1/rewards/rwd_abcdefgh2345");
});

it("keeps the path of a pasted address", () => {
  expect(jumpTarget("http://localhost:8000/p/prj_2/runs?q=x", "prj_1")).toBe("/p/prj_2/runs?q=x");
});

it("takes other text for a search", () => {
  expect(jumpTarget("warm-up", "prj_1")).toBeNull();
});
