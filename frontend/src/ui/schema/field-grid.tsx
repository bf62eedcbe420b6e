import type { FieldError } from "@/api/problem";
import type { Field } from "./schema-fields";
import { SchemaField } from "./schema-field";
import classes from "./schema-field.module.css";

interface Props { fields: Field[]; values: Record<string, unknown>; errors: FieldError[]; disabled?: boolean; onChange: (path: string[], value: unknown) => void }

export function FieldGrid({ fields, values, errors, disabled, onChange }: Props) {
  return (
    <div className={classes.grid}>
      {fields.map((field) => (
        <SchemaField
          key={field.key} field={field} value={valueAt(values, field.path)} disabled={disabled}
          error={errors.find((error) => error.field === field.key)?.message} onChange={(value) => onChange(field.path, value)}
        />
      ))}
    </div>
  );
}

export function valueAt(values: Record<string, unknown>, path: string[]): unknown {
  return path.reduce<unknown>((at, key) => (typeof at === "object" && at !== null ? (at as Record<string, unknown>)[key] : undefined), values);
}
