import { choice, search, text, whole } from "@/ui/search-params";

export const rewardsSearch = search({ q: text });
/** On what the reward is tried, and the model that a new one asks, by which kind of term. */
export const rewardSearch = search({ on: choice(["text", "rows", "rollouts"]), set: text, split: text, answers: choice(["reference"]), run: text, step: whole, count: whole, model: text, term: text });
