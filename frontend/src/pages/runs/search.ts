import { choice, list, search, text } from "@/ui/search-params";

export const runsSearch = search({ q: text, kind: choice(["train", "tasks", "all"], "train"), sort: text, cols: list, sel: list });
