import { useQuery } from "@tanstack/react-query";
import { sparklineQuery } from "@/api/runs";
import type { RunSummary } from "@/api/shapes";
import { formatNumber } from "@/ui/numbers";
import { isActive } from "@/ui/run-states";
import { runColour } from "@/ui/run-dot";
import { mainMetric } from "./columns";
import { sparkPath } from "./spark-path";

const WIDTH = 92;
const HEIGHT = 22;

/** The run's main curve, small. A going run's is asked for again every tenth of its way. */
export function Sparkline({ run }: { run: RunSummary }) {
  const name = mainMetric(run);
  const part = isActive(run.state) ? Math.floor(run.step / Math.max(1, Math.floor((run.total ?? 100) / 10))) : -1;
  const { data } = useQuery({ ...sparklineQuery(run.id, name ?? "", part), enabled: name !== null && run.step > 0, placeholderData: (earlier) => earlier });
  const values = name ? (data?.series[name]?.value ?? []) : [];
  if (values.length < 2 || !name) return <svg width={WIDTH} height={HEIGHT} aria-hidden />;
  return (
    <svg width={WIDTH} height={HEIGHT} role="img" aria-label={`${name}: from ${formatNumber(values[0])} to ${formatNumber(values.at(-1))}`}>
      <title>{`${name} ${formatNumber(values.at(-1))}`}</title>
      <path d={sparkPath(values, WIDTH, HEIGHT)} fill="none" stroke={runColour(run.colour)} strokeWidth={1.5} strokeLinejoin="round" />
    </svg>
  );
}
