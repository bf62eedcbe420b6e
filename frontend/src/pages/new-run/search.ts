import { choice, flag, list, search, text } from "@/ui/search-params";

export const newRunSearch = search({
  method: text,
  model: text,
  data: text,
  reward: text,
  from: text,
  take: text,
  keys: list,
  live: flag,
  draft: text,
  config: text,
  as: choice(["form", "yaml"], "form"),
});
