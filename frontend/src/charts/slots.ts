/** How one curve of a run is told from the others: the run's colour slot, and a dash when the slot is taken twice. */
export interface Stroke {
  slot: number;
  /** Canvas dash, empty for a full line. */
  dash: number[];
  /** Beyond three of one colour a curve is grey until it is hovered or pinned. */
  grey: boolean;
}

export const SLOTS = 8;

const DASHES = [[], [6, 3], [2, 3]];

/** Strokes for the runs of one chart in order; the slot is the run's own and never changes. */
export function strokes(slots: number[]): Stroke[] {
  const taken = new Map<number, number>();
  return slots.map((raw) => {
    const slot = ((raw % SLOTS) + SLOTS) % SLOTS;
    const before = taken.get(slot) ?? 0;
    taken.set(slot, before + 1);
    return { slot, dash: DASHES[before] ?? [], grey: before >= DASHES.length };
  });
}

/** Slots for several curves of one run in one panel: the run's own first, the others follow around the wheel. */
export function panelSlots(runSlot: number, curves: number): number[] {
  return Array.from({ length: curves }, (_, index) => (runSlot + index) % SLOTS);
}
