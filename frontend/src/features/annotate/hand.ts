/** The pairs in hand: the first is on the screen, the others wait behind it. */

import type { PairTask } from "@/api/shapes";

export interface Hand { tasks: readonly PairTask[]; judged: ReadonlySet<string> }

export const EMPTY_HAND: Hand = { tasks: [], judged: new Set() };

/**
 * All that the server says is held: new pairs behind those that are there, those that were lost left out. The one on the
 * screen stays under the eye even when its hold was lost, and a pair that was judged here is not shown again.
 */
export function handed(hand: Hand, given: readonly PairTask[]): Hand {
  const fresh = new Map(given.map((task) => [task.id, task]));
  const kept = hand.tasks.flatMap((task, index) => fresh.get(task.id) ?? (index === 0 ? task : []));
  const known = new Set(hand.tasks.map((task) => task.id));
  return { ...hand, tasks: [...kept, ...given.filter((task) => !known.has(task.id) && !hand.judged.has(task.id))] };
}

/** The first pair is judged and makes room for the next. */
export function judged(hand: Hand): Hand {
  const first = hand.tasks[0];
  return first ? { tasks: hand.tasks.slice(1), judged: new Set([...hand.judged, first.id]) } : hand;
}

/** A judgment was taken back: its pair is on the screen again. */
export function takenBack(hand: Hand, task: PairTask): Hand {
  return { tasks: [task, ...hand.tasks.filter((one) => one.id !== task.id)], judged: new Set([...hand.judged].filter((id) => id !== task.id)) };
}
