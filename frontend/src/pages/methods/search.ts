import { KIND_WORDS } from "@/features/new-run/readiness";
import type { RecordKind } from "@/api/shapes";
import { choice, search, text } from "@/ui/search-params";

export const methodsSearch = search({ q: text, family: text, data: choice(Object.keys(KIND_WORDS) as RecordKind[]) });
