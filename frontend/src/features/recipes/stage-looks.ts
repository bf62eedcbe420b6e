import { IconCheckbox, IconDatabaseExport, IconHistory, IconPlayerPlay, IconUserQuestion, IconUsers, type Icon } from "@tabler/icons-react";
import type { RecipeState, StageKind, StageState } from "@/api/shapes";
import { RUN_STATES, type StateLook } from "@/ui/run-states";

const PEOPLE: StateLook = { word: "waits for people", icon: IconUserQuestion, colour: "var(--ls-warn)", mark: "?" };

/** A stage's state: icon, word and colour together. */
export const STAGE_STATES: Record<StageState, StateLook> = {
  waiting: { ...RUN_STATES.queued, word: "waiting" },
  running: RUN_STATES.running,
  waits_for_people: PEOPLE,
  succeeded: RUN_STATES.succeeded,
  failed: RUN_STATES.failed,
  cancelled: RUN_STATES.cancelled,
  reused: { word: "reused", icon: IconHistory, colour: "var(--ls-ok)", mark: "↺" },
};

export const RECIPE_STATES: Record<RecipeState, StateLook> = {
  running: RUN_STATES.running, waits_for_people: PEOPLE, succeeded: RUN_STATES.succeeded, failed: RUN_STATES.failed, cancelled: RUN_STATES.cancelled,
};

export const KINDS: Record<StageKind, { word: string; icon: Icon }> = {
  run: { word: "run", icon: IconPlayerPlay },
  campaign: { word: "annotation", icon: IconUsers },
  dataset: { word: "data set", icon: IconDatabaseExport },
  approve: { word: "approval", icon: IconCheckbox },
};
