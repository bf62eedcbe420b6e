import { expect, it } from "vitest";
import { apiRoute, asCurl } from "./as-curl";

it("names the route behind a page", () => {
  expect(apiRoute("/p/prj_1", "")).toBe("/projects/prj_1/runs");
  expect(apiRoute("/p/prj_1/runs", "?q=state:running&cols=kl")).toBe("/projects/prj_1/runs?q=state%3Arunning");
  expect(apiRoute("/p/prj_1/runs/run_1/rollouts", "")).toBe("/runs/run_1/rollouts");
  expect(apiRoute("/p/prj_1/data/ds_1/v/1/rows", "")).toBe("/datasets/ds_1");
  expect(apiRoute("/p/prj_1/settings/audit", "")).toBe("/projects/prj_1/audit");
  expect(apiRoute("/me", "")).toBeNull();
});

it("writes it as a line for the shell", () => {
  expect(asCurl("http://localhost:8000", "/workers")).toBe('curl -H "Authorization: Bearer $LODESTAR_TOKEN" "http://localhost:8000/api/v1/workers"');
});
