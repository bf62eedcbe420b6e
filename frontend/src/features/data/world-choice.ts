/** What of the worlds can be chosen, and what is sent of it. */

import type { RecordKind, WorldCard } from "@/api/shapes";

export interface Choice { world: string; part: string; knobs: Record<string, unknown> }

/** The worlds with the parts of these kinds; all of both where no kinds are asked for. */
export function fittingWorlds(worlds: WorldCard[], kinds: RecordKind[] | undefined): WorldCard[] {
  if (!kinds) return worlds;
  return worlds.map((world) => ({ ...world, parts: world.parts.filter((part) => kinds.includes(part.kind)) })).filter((world) => world.parts.length > 0);
}

/** The choice with another world: its first part, or the same one where it has one, and no knob turned. */
export function withWorld(choice: Choice | null, world: WorldCard): Choice {
  const same = world.parts.find((part) => part.name === choice?.part);
  return { world: world.name, part: (same ?? world.parts[0])?.name ?? "", knobs: {} };
}

/** The choice with one knob turned; an empty value is the default again. */
export function withKnob(choice: Choice, path: string[], value: unknown): Choice {
  const key = path.join(".");
  const others = Object.fromEntries(Object.entries(choice.knobs).filter(([name]) => name !== key));
  return { ...choice, knobs: value === undefined || value === null ? others : { ...others, [key]: value } };
}

/** "Lock pairs, seed 3": what the data set is called until somebody names it. */
export function suggestedName(world: WorldCard, choice: Choice): string {
  const part = world.parts.find((one) => one.name === choice.part);
  const seed = choice.knobs.seed;
  return [`${world.title} ${part?.title ?? ""}`.trim(), typeof seed === "number" && seed > 0 ? `seed ${seed}` : ""].filter(Boolean).join(", ");
}
