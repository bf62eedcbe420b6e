import type { EvaluationBoard } from "@/api/shapes";
import { formatNumber } from "@/ui/numbers";

export interface Measured { evaluationId: string; value: string; suite: string; help: string }

/** What the newest evaluations of a model found, two suites at the most: more stand on the evaluations page. */
export function measured(board: EvaluationBoard | undefined, modelId: string): Measured[] {
  const cells = board?.rows.find((row) => row.model_id === modelId)?.cells ?? {};
  const found = (board?.suites ?? []).flatMap((suite) => {
    const cell = cells[suite.key];
    if (!cell) return [];
    const { value, low, high, n } = cell.value;
    const between = low === null || high === null ? "" : ` (${formatNumber(low, 3)}–${formatNumber(high, 3)})`;
    return [{ evaluationId: cell.evaluation_id, value: `${formatNumber(value, 3)}${between}`, suite: suite.name, help: `${suite.primary.replaceAll("_", " ")} on ${suite.data_name}, n=${n}` }];
  });
  return found.slice(0, 2);
}
