import { describe, expect, it } from "vitest";
import { Problem } from "@/api/problem";
import type { Upload } from "@/api/shapes";
import { FileSender, type Sending, type UploadServer } from "./file-sender";
import { sensibleLimit, shareCut } from "./length-cut";
import { byColumns, faultPlace, missingFields, nameFromFile, withColumn } from "./mapping-fields";

const upload = { id: "upl_1", offset: 0, chunk_bytes: 4, size_bytes: 10, state: "receiving" } as Upload;

/** A server in memory that keeps what it is sent and can be cut off before the nth piece. */
function server(cutAt: number[] = [], refusal?: Problem) {
  const kept: string[] = [];
  let offset = 0;
  let sends = 0;
  const answer = (): Upload => ({ ...upload, offset, state: offset === 10 ? "received" : "receiving" });
  const made: UploadServer = {
    status: () => Promise.resolve(answer()),
    send: async (_, from, chunk) => {
      sends += 1;
      if (refusal) throw refusal;
      if (cutAt.includes(sends)) throw new Problem({ status: 0, detail: "The server does not answer." });
      if (from !== offset) throw new Problem({ status: 409, detail: "Wrong offset." });
      kept.push(await chunk.text());
      offset += chunk.size;
      return answer();
    },
    wait: () => Promise.resolve(),
    now: () => 0,
  };
  return { made, kept };
}

function sender(from: UploadServer, said: Sending[] = []) {
  return new FileSender(new Blob(["0123456789"]), upload, from, (sending) => said.push(sending));
}

describe("sending a file", () => {
  it("sends every byte once, piece by piece", async () => {
    const { made, kept } = server();
    expect(await sender(made).run()).toMatchObject({ offset: 10, state: "received" });
    expect(kept).toEqual(["0123", "4567", "89"]);
  });

  it("goes on by itself after a cut, from where the server stands", async () => {
    const { made, kept } = server([2, 3]);
    const said: Sending[] = [];
    await sender(made, said).run();
    expect(kept.join("")).toBe("0123456789");
    expect(said.some((one) => one.state === "waiting")).toBe(true);
  });

  it("keeps what was sent when paused, and goes on from there", async () => {
    const { made, kept } = server();
    const said: Sending[] = [];
    const sending = new FileSender(new Blob(["0123456789"]), upload, made, (one) => {
      said.push(one);
      if (one.offset === 4 && said.filter((other) => other.state === "paused").length === 0) sending.pause();
    });
    expect(await sending.run()).toBeNull();
    expect(said.at(-1)).toMatchObject({ state: "paused" });
    await sending.run();
    expect(kept.join("")).toBe("0123456789");
  });

  it("ends with the server's sentence when it refuses for good", async () => {
    const said: Sending[] = [];
    const refusal = new Problem({ status: 413, detail: "The file has 3 GiB; the limit is 2 GiB." });
    expect(await sender(server([], refusal).made, said).run()).toBeNull();
    expect(said.at(-1)).toMatchObject({ state: "failed", message: "The file has 3 GiB; the limit is 2 GiB." });
  });
});

describe("a mapping", () => {
  const pairs = byColumns("preference", { chosen: "better" });

  it("says what it still lacks", () => expect(missingFields(pairs)).toEqual(["rejected"]));
  it("takes and drops columns without touching the others", () => {
    const whole = withColumn(pairs, "rejected", "worse");
    expect(whole.columns).toEqual({ chosen: "better", rejected: "worse" });
    expect(withColumn(whole, "rejected", null).columns).toEqual({ chosen: "better" });
  });
  it("names where a fault stands", () => expect([faultPlace({ line: 1812, column: 3, field: null, message: "" }), faultPlace({ line: null, column: null, field: "answer", message: "" })]).toEqual(["Line 1,812, column 3", ""]));
  it("makes a name of a file's", () => expect([nameFromFile("gsm8k/train_main.jsonl.gz"), nameFromFile(".csv")]).toEqual(["train main", "Data set"]));
});

describe("a length limit", () => {
  const histogram = { edges: [0, 100, 200, 300], counts: [50, 40, 10] };

  it("cuts the bins above it and its part of the bin it falls into", () => {
    expect([shareCut(histogram, 0), shareCut(histogram, 200), shareCut(histogram, 250), shareCut(histogram, 300)]).toEqual([1, 0.1, 0.05, 0]);
  });
  it("starts where at most one row in fifty is cut", () => {
    expect(sensibleLimit({ rows: 100, tokens_total: 0, histogram, quantiles: { max: 300 }, truncated: [] })).toBe(300);
  });
});
