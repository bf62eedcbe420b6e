import { expect, it } from "vitest";
import { placeOf, reportPlace } from "./stage-place";

it("leads from a stage to what it made", () => {
  expect(["run_1", "mdl_1", "ds_1", "cmp_1", "art_1"].map((id) => placeOf("p", id))).toEqual(["/p/p/runs/run_1/curves", "/p/p/models/mdl_1", "/p/p/data/ds_1", "/p/p/annotate/cmp_1/overview", null]);
});

it("leads from a report to the page of its run", () => {
  expect(reportPlace("p", "reward_report", "run_1")).toBe("/p/p/runs/run_1/report");
  expect(reportPlace("p", "evaluation", "run_1")).toBe("/p/p/runs/run_1/curves");
  expect([reportPlace("p", "samples", "run_1"), reportPlace("p", "evaluation", undefined)]).toEqual([null, null]);
});
