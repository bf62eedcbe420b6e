import { choice, search, text, whole } from "@/ui/search-params";

export const rewardsSearch = search({ q: text });
/** On what the reward is tried. */
export const rewardSearch = search({ on: choice(["text", "rows", "rollouts"]), set: text, split: text, answers: choice(["reference"]), run: text, step: whole, count: whole });
