import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { runQuery, runsQuery } from "@/api/runs";
import type { Run } from "@/api/shapes";

/** Picks another run of the project by name; the server searches. */
export function RunSelect({ run, value, label, onRun }: { run: Run; value: string | undefined; label: string; onRun: (id: string | undefined) => void }) {
  const [typed, setTyped] = useState("");
  const [q] = useDebouncedValue(typed, 200);
  const chosen = useQuery({ ...runQuery(value ?? ""), enabled: value !== undefined });
  const found = useInfiniteQuery({ ...runsQuery(run.project_id, { q: q && q !== chosen.data?.name ? `"${q.replaceAll('"', "")}"` : undefined, sort: "-created_at" }, 30), placeholderData: keepPreviousData });
  const others = (found.data?.pages.flatMap((page) => page.items) ?? []).filter((other) => other.id !== run.id).map((other) => ({ value: other.id, label: `${other.name} · ${other.method}` }));
  const known = value && !others.some((other) => other.value === value) ? [{ value, label: chosen.data ? `${chosen.data.name} · ${chosen.data.method}` : value }, ...others] : others;
  return (
    <Select
      size="xs" w={260} aria-label={label} placeholder="Choose a run" searchable clearable data={known} value={value ?? null} nothingFoundMessage="No other run by that name"
      filter={({ options }) => options} onSearchChange={setTyped} onChange={(id) => onRun(id ?? undefined)}
    />
  );
}
