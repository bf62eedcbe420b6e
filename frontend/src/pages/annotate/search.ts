import { choice, search, text, whole } from "@/ui/search-params";

export const newCampaignSearch = search({ version: text, run: text, artifact: text, from: whole, to: whole });
export const campaignSearch = search({ what: choice(["conflicts", "flagged"], "conflicts"), shape: choice(["preference", "unpaired"], "preference") });
