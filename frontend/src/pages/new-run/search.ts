import { choice, search, text } from "@/ui/search-params";

export const newRunSearch = search({
  method: text,
  model: text,
  data: text,
  reward: text,
  from: text,
  draft: text,
  config: text,
  as: choice(["form", "yaml"], "form"),
});
