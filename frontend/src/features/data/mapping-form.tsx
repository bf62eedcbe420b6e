import { Alert, Select, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { previewUpload } from "@/api/datasets";
import type { Inspection, Mapping } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import classes from "./data.module.css";
import { FaultList } from "./fault-list";
import { KIND_FIELDS, missingFields, readings, withColumn } from "./mapping-fields";
import { RawRows } from "./raw-rows";
import { RecordView } from "./record-view";

interface Props {
  uploadId: string;
  inspection: Inspection;
  mapping: Mapping;
  onMapping: (mapping: Mapping) => void;
}

/** How the file is read: the kind found, its columns by select, and three rows as they will be read, at once. */
export function MappingForm({ uploadId, inspection, mapping, onMapping }: Props) {
  const all = readings(inspection);
  const chosen = all.find((reading) => reading.mapping.kind === mapping.kind && reading.mapping.shape === mapping.shape)?.key ?? null;
  const missing = missingFields(mapping);
  const [touched, setTouched] = useState<string[]>([]);
  const preview = useQuery({
    queryKey: ["upload", uploadId, "preview", mapping],
    queryFn: () => previewUpload(uploadId, mapping),
    enabled: missing.length === 0,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const fields = mapping.shape === "columns" ? KIND_FIELDS[mapping.kind] : Object.keys(mapping.columns).map((name) => ({ name, optional: undefined }));
  const columns = inspection.columns.map((column) => ({ value: column.name, label: `${column.name} (${column.type})` }));
  return (
    <div className={classes.rows}>
      {inspection.detected === null && <Alert color="var(--ls-warn)" title="No known shape fits this file.">Say what a row is and which columns it is made of.</Alert>}
      <Select label="Read as" value={chosen} onChange={(key) => { const next = all.find((reading) => reading.key === key); if (next) onMapping(next.mapping); }} data={all.map((reading) => ({ value: reading.key, label: reading.label }))} maxDropdownHeight={360} />
      <div className={classes.columns}>
        {fields.map((field) => (
          <Select
            key={field.name}
            label={field.optional ? `${field.name} (may be left out)` : field.name}
            value={mapping.columns[field.name] ?? null}
            onChange={(column) => onMapping(withColumn(mapping, field.name, column))}
            data={withPath(columns, mapping.columns[field.name])}
            placeholder="Choose a column"
            searchable
            clearable={Boolean(field.optional)}
            onDropdownClose={() => setTouched((names) => [...names, field.name])}
            error={touched.includes(field.name) && missing.includes(field.name) ? "Choose a column." : undefined}
          />
        ))}
      </div>
      <Text size="xs" c="dimmed">{missing.length > 0 ? "The first rows as they stand in the file" : "The first rows as they will be read"}</Text>
      {missing.length > 0 && <RawRows inspection={inspection} />}
      {preview.isError && <FailedState error={preview.error} onRetry={() => void preview.refetch()} what="Preview" />}
      <div className={classes.rows} style={{ opacity: preview.isFetching ? 0.6 : 1 }}>
        {missing.length === 0 && preview.data?.rows.map((row) => (
          <div key={row.line} className={classes.record}>
            {row.record && <RecordView record={row.record} clamp />}
            {row.faults.length > 0 && <FaultList faults={row.faults} />}
          </div>
        ))}
      </div>
    </div>
  );
}

/** A dotted path into an object is a column too, though the file does not list it. */
function withPath(columns: { value: string; label: string }[], path: string | undefined): { value: string; label: string }[] {
  return path === undefined || columns.some((column) => column.value === path) ? columns : [...columns, { value: path, label: path }];
}
