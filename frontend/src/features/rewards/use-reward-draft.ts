import { useEffect, useState } from "react";
import type { RewardPipeline } from "@/api/shapes";
import { lean, samePipeline } from "./pipeline-text";
import { withModel } from "./with-model";

/** A reward in work: kept in this browser until it is saved as a version, so that leaving the page loses nothing. `model` is asked in it, by a term of the `kind`. */
export function useRewardDraft(key: string, saved: RewardPipeline | null, model?: string, kind?: string): { draft: RewardPipeline | null; changed: boolean; setDraft: (draft: RewardPipeline | null) => void; reset: () => void } {
  const place = `lodestar.reward.${key}`;
  const [draft, setDraft] = useState<RewardPipeline | null>(() => { const kept = read(place) ?? saved; return model ? withModel(kept, model, kind) : kept; });
  const changed = draft !== null && (saved === null || !samePipeline(draft, saved));
  useEffect(() => {
    if (changed && draft) localStorage.setItem(place, JSON.stringify(lean(draft)));
    else localStorage.removeItem(place);
  }, [place, draft, changed]);
  return { draft, changed, setDraft, reset: () => setDraft(saved) };
}

function read(place: string): RewardPipeline | null {
  try {
    return JSON.parse(localStorage.getItem(place) ?? "null") as RewardPipeline | null;
  } catch {
    return null;
  }
}
