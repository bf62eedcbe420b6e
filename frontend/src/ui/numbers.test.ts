import { describe, expect, it } from "vitest";
import { formatBytes, formatCount, formatDuration, formatInterval, formatNumber, formatRate, formatShare } from "./numbers";
import { formatAgo, formatUtc } from "./times";

describe("numbers", () => {
  it("keep four significant digits without trailing zeros", () => {
    expect(formatNumber(0.123456)).toBe("0.1235");
    expect(formatNumber(12.5)).toBe("12.5");
    expect(formatNumber(-3)).toBe("−3");
    expect(formatNumber(4096)).toBe("4096");
    expect(formatNumber(123456)).toBe("123.5k");
  });
  it("turn to exponents below a thousandth and from a million on", () => {
    expect(formatNumber(0.000032)).toBe("3.2e-5");
    expect(formatNumber(1e-6)).toBe("1e-6");
    expect(formatNumber(2_500_000)).toBe("2.5e6");
    expect(formatNumber(0.001)).toBe("0.001");
  });
  it("say missing and NaN, never zero", () => {
    expect(formatNumber(null)).toBe("–");
    expect(formatNumber(undefined)).toBe("–");
    expect(formatNumber(Number.NaN)).toBe("NaN");
    expect(formatNumber(0)).toBe("0");
    expect(formatNumber(Infinity)).toBe("∞");
  });
  it("count in thousands", () => {
    expect(formatCount(7473)).toBe("7,473");
    expect(formatCount(12_400)).toBe("12.4k");
    expect(formatCount(1_049_088)).toBe("1.05M");
    expect(formatCount(7e9)).toBe("7B");
  });
  it("measure bytes in powers of 1024", () => {
    expect(formatBytes(512)).toBe("512 B");
    expect(formatBytes(11.2 * 2 ** 30)).toBe("11.2 GiB");
    expect(formatBytes(0)).toBe("0 B");
    expect(formatBytes(1020 * 2 ** 20)).toBe("1020 MiB");
    expect(formatBytes(2 ** 20)).toBe("1 MiB");
  });
  it("show shares, rates and intervals with their units", () => {
    expect(formatShare(0.914)).toBe("91.4 %");
    expect(formatRate(1234, "tok/s")).toBe("1,234 tok/s");
    expect(formatRate(12_340, "tok/s")).toBe("12.3k tok/s");
    expect(formatInterval(0.9141, 0.0123, 512)).toBe("0.914 ± 0.012 (95 %, n=512)");
  });
  it("tell durations in their two largest units", () => {
    expect(formatDuration(0.42)).toBe("0.4 s");
    expect(formatDuration(42)).toBe("42 s");
    expect(formatDuration(365)).toBe("6m 05s");
    expect(formatDuration(3840)).toBe("1h 04m");
    expect(formatDuration(183_600)).toBe("2d 03h");
  });
});

describe("times", () => {
  const now = Date.parse("2026-11-21T14:00:00Z");
  it("are relative for a day", () => {
    expect(formatAgo("2026-11-21T13:56:00Z", now)).toBe("4 min ago");
    expect(formatAgo("2026-11-21T11:00:00Z", now)).toBe("3 h ago");
    expect(formatAgo(null, now)).toBe("–");
  });
  it("are a date after that, and UTC on hover", () => {
    expect(formatAgo("2026-11-18T11:00:00Z", now)).toMatch(/^2026-11-1\d \d\d:\d\d$/);
    expect(formatUtc("2026-11-18T11:00:05Z")).toBe("2026-11-18 11:00:05 UTC");
  });
});
