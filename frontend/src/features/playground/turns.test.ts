import { describe, expect, it } from "vitest";
import type { Exchange, Word } from "@/api/playground";
import { completionCurl, conversations, heard, messagesOf, SILENT, surprise, textOf, turnOf, wantsVote } from "./turns";

const WORDS: Word[] = [
  { type: "begun", request_id: "r", prompt_tokens: 3 },
  { type: "token", request_id: "r", text: "It is", logprob: -0.1 },
  { type: "token", request_id: "r", text: " 4" },
  { type: "done", request_id: "r", text: ".", finish_reason: "stop", completion_tokens: 2 },
];
const kept = (id: string, conversation: string, over: Partial<Exchange> = {}): Exchange => ({
  id, conversation_id: conversation, messages: [{ role: "user", content: `Ask ${id}` }], settings: {}, blind: false, verdict: "", voted_at: null, created_at: id,
  sides: { a: { name: "A" }, b: { name: "B" } }, answers: { a: { text: "x", finish_reason: "stop", prompt_tokens: 1, completion_tokens: 1, first_token_seconds: 0.1, seconds: 1 } }, ...over,
}) as Exchange;

describe("a reply", () => {
  it("grows word by word and knows when its first token came", () => {
    const said = WORDS.reduce((reply, word, place) => heard(reply, word, place), SILENT);
    expect([textOf(said), said.state, said.reason, said.firstSeconds]).toEqual(["It is 4.", "done", "stop", 1]);
  });
  it("says why it failed", () => {
    expect(heard(SILENT, { type: "refused", request_id: "r", code: "engine_gone", message: "Gone.", remedy: "Again." }, 0).error).toBe("Gone. Again.");
  });
});

describe("a conversation", () => {
  it("goes on from the preferred answer", () => {
    const turn = { ...turnOf(kept("1", "c")), verdict: "b" as const };
    turn.replies.b = { ...SILENT, tokens: [{ text: "y", logprob: null }] };
    expect(messagesOf("Be brief.", [turn], "And 3+3?").map((message) => message.content)).toEqual(["Be brief.", "Ask 1", "y", "And 3+3?"]);
  });
  it("asks for a vote only when both have answered", () => {
    expect(wantsVote(turnOf(kept("1", "c")))).toBe(false);
    const both = kept("1", "c");
    expect(wantsVote(turnOf({ ...both, answers: { a: both.answers.a, b: both.answers.a } } as Exchange))).toBe(true);
  });
  it("is listed once, in the order it was asked", () => {
    const listed = conversations([kept("3", "x"), kept("2", "y"), kept("1", "x")]);
    expect(listed.map(({ id, title, at }) => [id, title, at])).toEqual([["x", "Ask 1", "3"], ["y", "Ask 2", "2"]]);
  });
});

it("tints by probability, and nothing without one", () => {
  expect([null, Math.log(0.9), Math.log(0.3), Math.log(0.1), Math.log(0.01)].map(surprise)).toEqual([0, 0, 1, 2, 3]);
});

it("quotes a question for a shell", () => {
  expect(completionCurl("http://h", "mdl_1", [{ role: "user", content: "it's" }], { temperature: 0 })).toContain("it'\\''s");
});
