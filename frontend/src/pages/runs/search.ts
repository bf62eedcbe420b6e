import { list, search, text } from "@/ui/search-params";

export const runsSearch = search({ q: text, sort: text, cols: list, sel: list });
