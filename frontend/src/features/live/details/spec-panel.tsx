import { Button, SegmentedControl } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { useState } from "react";
import { stringify } from "yaml";
import type { Run } from "@/api/shapes";
import { Panel } from "@/ui/panel";
import classes from "./details.module.css";

/** The frozen document the engine executes, to read and to copy. */
export function SpecPanel({ run }: { run: Run }) {
  const [form, setForm] = useState<"yaml" | "json">("yaml");
  const clipboard = useClipboard();
  const text = form === "yaml" ? stringify(run.spec) : JSON.stringify(run.spec, null, 2);
  return (
    <Panel
      title="Spec"
      flush
      actions={
        <>
          <SegmentedControl size="xs" aria-label="Form of the spec" value={form} onChange={(value) => setForm(value as "yaml" | "json")} data={[{ value: "yaml", label: "YAML" }, { value: "json", label: "JSON" }]} />
          <Button variant="default" size="compact-xs" onClick={() => clipboard.copy(text)}>{clipboard.copied ? "Copied" : "Copy"}</Button>
        </>
      }
    >
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard */}
      <pre className={classes.spec} tabIndex={0}>{text}</pre>
    </Panel>
  );
}
