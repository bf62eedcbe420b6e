import type { Run } from "@/api/shapes";
import { CopyId } from "@/ui/copy-id";
import { Panel } from "@/ui/panel";
import { Time } from "@/ui/time";
import { show } from "./flat-config";
import classes from "./details.module.css";

/** What it takes to repeat the run: versions, commit, seed, models, data by hash. */
export function ProvenancePanel({ run }: { run: Run }) {
  const provenance = run.provenance as { libraries?: Record<string, string>; commit?: string; cloned_from?: string | null };
  const rows: [string, React.ReactNode][] = [
    ["run", <CopyId key="id" id={run.id} />],
    ["method", run.method],
    ["seed", run.seed],
    ["created", <Time key="created" at={run.created_at} />],
    ["by", run.created_by?.name ?? "–"],
    ...named("model", run.models),
    ...named("data", run.datasets),
    ["commit", provenance.commit ? <CopyId key="commit" id={provenance.commit} short /> : "–"],
    ...(provenance.cloned_from ? [["cloned from", <CopyId key="clone" id={provenance.cloned_from} />] as [string, React.ReactNode]] : []),
    ...Object.entries(provenance.libraries ?? {}),
  ];
  return (
    <Panel title="Provenance" flush>
      <table className={classes.table}>
        <tbody>{rows.map(([key, value]) => <tr key={key}><td className={classes.muted}>{key}</td><td className={classes.value}>{value}</td></tr>)}</tbody>
      </table>
    </Panel>
  );
}

function named(kind: string, references: unknown): [string, string][] {
  if (typeof references !== "object" || references === null) return [];
  return Object.entries(references as Record<string, Record<string, unknown>>).map(([role, reference]) => {
    const hash = show(reference.weights_hash ?? reference.content_hash).slice(0, 12);
    const split = reference.split ? ` · ${show(reference.split)}` : "";
    return [`${kind} ${role}`, `${show(reference.name || reference.path || "the final model of the run it waits for")}${split}${hash ? ` · ${hash}` : ""}`];
  });
}
