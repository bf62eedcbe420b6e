import { Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import type { MethodCard, Run } from "@/api/shapes";
import { Panel } from "@/ui/panel";
import { configLines, show, type ConfigLine } from "./flat-config";
import classes from "./details.module.css";

/** Every key of the frozen config with the method's default beside what differs. */
export function ConfigTable({ run, method }: { run: Run; method: MethodCard | undefined }) {
  const [q, setQ] = useState("");
  const [only, setOnly] = useState(false);
  const lines = configLines((run.spec.config ?? {}) as Record<string, unknown>, method);
  const changed = lines.filter((line) => line.changed).length;
  const shown = lines.filter((line) => (!only || line.changed) && line.key.includes(q.trim()));
  return (
    <Panel
      title={`Config: ${changed === 0 ? "all defaults" : `${changed} changed from default`}`}
      flush
      actions={
        <>
          <Switch size="xs" label="only changed" checked={only} onChange={(event) => setOnly(event.currentTarget.checked)} styles={{ root: { alignSelf: "center" } }} />
          <TextInput size="xs" w={140} placeholder="Find a key" aria-label="Find a key" value={q} onChange={(event) => setQ(event.currentTarget.value)} />
        </>
      }
    >
      <div className={classes.wrap}>
        <table className={classes.table}>
          <thead><tr><th scope="col">key</th><th scope="col">value</th><th scope="col">default</th></tr></thead>
          <tbody>
            {shown.map((line) => (
              <tr key={line.key} className={line.changed ? classes.changed : undefined} title={line.help}>
                <td className={classes.key}>{line.key}</td>
                <td className={classes.value}>{line.changed ? <strong>{written(line, line.value)}</strong> : written(line, line.value)}</td>
                <td className={classes.value}><span className={classes.muted}>{line.changed ? written(line, line.standard) : ""}</span></td>
              </tr>
            ))}
            {shown.length === 0 && <tr><td colSpan={3} className={classes.muted}>No key fits.</td></tr>}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

/** A value that leaves the choice to the engine is said as such. */
function written(line: ConfigLine, value: unknown): string {
  return line.auto !== null && value === line.auto.value ? line.auto.word : show(value);
}
