import { expect, it } from "vitest";
import { runLook } from "./run-states";

it("tells a stopped run from one that went to its end", () => {
  expect(runLook({ state: "succeeded", desired: "stop" }).word).toBe("stopped");
  expect(runLook({ state: "succeeded", desired: "run" }).word).toBe("succeeded");
  expect(runLook({ state: "failed", desired: "stop" }).word).toBe("failed");
});
