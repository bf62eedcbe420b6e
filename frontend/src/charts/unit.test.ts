import { describe, expect, it } from "vitest";
import { readingText, unitInTitle, valueTicks, valueTickText } from "./unit";

const MIB = 1024 ** 2;

describe("a value with its unit", () => {
  it("reads as people say it", () => expect([readingText(78.04, "%", 3), readingText(462 * MIB, "bytes"), readingText(0.5, "nats"), readingText(null, "%")]).toEqual(["78 %", "462 MiB", "0.5", "–"]));
  it("leaves to the title what the numbers do not carry", () => expect([unitInTitle("nats"), unitInTitle("bytes"), unitInTitle("%"), unitInTitle(undefined)]).toEqual(["nats", "", "", ""]));
  it("has round ticks in mebibytes", () => {
    const ticks = valueTicks(0, 480 * MIB, 5, "bytes");
    expect(ticks.map((tick) => valueTickText(tick, 100 * MIB, 480 * MIB, "bytes"))).toEqual(["0", "100 MiB", "200 MiB", "300 MiB", "400 MiB"]);
  });
});
