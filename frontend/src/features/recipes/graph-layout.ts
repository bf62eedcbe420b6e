/** Where the stages of a recipe stand: columns by the longest way from a start, rows in the order of the recipe. */

export interface Placed { name: string; column: number; row: number }
export interface Edge { from: string; to: string }
export interface Layout { nodes: Placed[]; edges: Edge[]; columns: number; rows: number }
interface Needing { name: string; needs: string[] }

export function layOut(stages: Needing[]): Layout {
  const depths = new Map<string, number>();
  const byName = new Map(stages.map((stage) => [stage.name, stage]));
  const depth = (name: string): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    const found = Math.max(-1, ...(byName.get(name)?.needs ?? []).map(depth)) + 1;
    depths.set(name, found);
    return found;
  };
  const taken = new Map<number, number>();
  const nodes = stages.map(({ name }) => {
    const column = depth(name);
    const row = taken.get(column) ?? 0;
    taken.set(column, row + 1);
    return { name, column, row };
  });
  return { nodes, edges: shortEdges(stages), columns: Math.max(0, ...nodes.map((node) => node.column + 1)), rows: Math.max(0, ...taken.values()) };
}

/** The needs that no other need already implies: sft → reward → ppo draws no line from sft to ppo. */
function shortEdges(stages: Needing[]): Edge[] {
  const byName = new Map(stages.map((stage) => [stage.name, stage.needs]));
  const reaches = (from: string, to: string): boolean => (byName.get(from) ?? []).some((need) => need === to || reaches(need, to));
  return stages.flatMap((stage) =>
    stage.needs.filter((need) => !stage.needs.some((other) => other !== need && reaches(other, need))).map((need) => ({ from: need, to: stage.name })),
  );
}

/** The stages that are done anew when `name` is: itself and all that follow from it, in the order of the recipe. */
export function doneAnew(stages: Needing[], name: string): string[] {
  const found = new Set([name]);
  let size = 0;
  while (size !== found.size) {
    size = found.size;
    for (const stage of stages) if (stage.needs.some((need) => found.has(need))) found.add(stage.name);
  }
  return stages.filter((stage) => found.has(stage.name)).map((stage) => stage.name);
}
