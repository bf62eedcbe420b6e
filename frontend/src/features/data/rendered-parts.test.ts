import { expect, it } from "vitest";
import { partsOf } from "./rendered-parts";

const masked = (text: string) => ({ text, trained: false, role: "context" });
const trained = (text: string) => ({ text, trained: true, role: "assistant" });

it("tells a pair's two answers apart, turns and all", () => {
  const segments = [masked("<s>Hi"), trained("yes"), masked("and?"), trained("so"), masked("<s>Hi"), trained("no")];
  expect(partsOf(segments, "preference").map((part) => [part.name, part.segments.length])).toEqual([["chosen", 4], ["rejected", 2]]);
  expect(partsOf(segments, "ranking").map((part) => part.name)).toEqual(["answer 1", "answer 2"]);
});

it("leaves a conversation whole, whatever it repeats", () => {
  const segments = [masked("again"), trained("a"), masked("again"), trained("b")];
  expect(partsOf(segments, "conversation")).toEqual([{ name: "", segments }]);
  expect(partsOf([trained("x")], "preference")).toHaveLength(1);
});
