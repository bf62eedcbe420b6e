import { choice, list, search, text, whole } from "@/ui/search-params";

/** What each tab of a run keeps in the address. */
export const curvesSearch = search({
  x: choice(["step", "time", "tokens"], "step"),
  y: choice(["linear", "log"], "linear"),
  smooth: whole,
  clip: choice(["none", "p99"], "none"),
  zoom: text,
  at: whole,
  over: list,
  pin: list,
  first: list,
  q: text,
});
export const rolloutsSearch = search({
  q: text,
  step: text,
  sort: choice(["newest", "reward", "-reward"], "newest"),
  prompt: text,
  ro: whole,
  ans: whole,
  ch: text,
  by: choice(["token", "sentence", "step"], "token"),
  tok: whole,
  vs: whole,
});
export const logsSearch = search({ level: choice(["debug", "info", "warning", "error"], "info"), q: text });
export const configSearch = search({ diff: text });
