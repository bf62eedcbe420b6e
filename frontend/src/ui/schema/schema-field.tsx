import { ActionIcon, Checkbox, Select, TextInput, Tooltip } from "@mantine/core";
import { IconInfoCircle, IconRestore } from "@tabler/icons-react";
import { useState } from "react";
import { boundsText, choiceText, type Field, readTyped, shownAs, writeTyped } from "./schema-fields";
import classes from "./schema-field.module.css";

interface Props { field: Field; value: unknown; error?: string; disabled?: boolean; onChange: (value: unknown) => void }

/** One setting: title, help, unit, bounds, and a way back to its default. `undefined` means the default. */
export function SchemaField({ field, value, error, disabled, onChange }: Props) {
  const changed = value !== undefined && JSON.stringify(value) !== JSON.stringify(field.fallback);
  const shown = value === undefined ? field.fallback : value;
  return (
    <div className={classes.field}>
      <div className={classes.head}>
        <label htmlFor={`field-${field.key}`}>{field.title}</label>
        <Help field={field} />
        {changed ? (
          <Tooltip label={`Back to ${shownAs(field, field.fallback) || "empty"}`}>
            <ActionIcon size={18} className={classes.reset} color="var(--ls-accent)" aria-label={`Reset ${field.title}`} onClick={() => onChange(undefined)}><IconRestore size={14} /></ActionIcon>
          </Tooltip>
        ) : null}
      </div>
      <Control field={field} shown={shown} changed={changed} error={error} disabled={disabled} onChange={onChange} />
    </div>
  );
}

function Help({ field }: { field: Field }) {
  const bounds = boundsText(field);
  const text = [field.help, bounds ? `Takes ${bounds}.` : "", field.live ? "Can be changed while the run goes." : ""].filter(Boolean).join(" ");
  if (!text) return null;
  return (
    <Tooltip label={text} multiline maw={300} events={{ hover: true, focus: true, touch: true }}>
      <button type="button" className={classes.help} aria-label={`${field.title}: ${text}`}><IconInfoCircle size={14} /></button>
    </Tooltip>
  );
}

interface ControlProps extends Omit<Props, "value"> { shown: unknown; changed: boolean }

function Control({ field, shown, changed, error, disabled, onChange }: ControlProps) {
  const id = `field-${field.key}`;
  if (field.kind === "boolean") {
    return <Checkbox id={id} checked={shown === true} label={shown === true ? "On" : "Off"} disabled={disabled} error={error} onChange={(event) => onChange(event.currentTarget.checked)} className={classes.switch} />;
  }
  if (field.kind === "choice") {
    return (
      <Select
        id={id} data={field.choices.map((one) => ({ value: String(one), label: choiceText(one) }))} value={shown === null || shown === undefined ? null : String(shown)} error={error} disabled={disabled} clearable={field.nullable} placeholder={field.auto?.word}
        classNames={{ input: changed ? classes.changed : undefined }}
        onChange={(picked) => onChange(picked === null ? null : field.choices.find((one) => String(one) === picked))}
      />
    );
  }
  return <Typed key={shownAs(field, shown)} field={field} shown={shown} changed={changed} error={error} disabled={disabled} onChange={onChange} />;
}

/** A text box that reads its value when it makes sense and says so when it does not. */
function Typed({ field, shown, changed, error, disabled, onChange }: ControlProps) {
  const [text, setText] = useState(shownAs(field, shown));
  const [unread, setUnread] = useState(false);
  const type = (typed: string) => {
    setText(typed);
    const value = readTyped(field, typed);
    setUnread(value === undefined && typed.trim() !== "");
  };
  const commit = () => {
    const value = readTyped(field, text);
    if (text.trim() === "" && value === undefined) onChange(undefined);
    else if (value !== undefined && writeTyped(value) !== writeTyped(shown)) onChange(value);
  };
  const numeric = field.kind === "number" || field.kind === "integer";
  const said = unread ? (numeric ? `Write a number, such as 0.05 or 1e-6${field.auto ? `, or ${field.auto.word}` : ""}.` : "Write JSON.") : error;
  return (
    <TextInput
      id={`field-${field.key}`} value={text} disabled={disabled} error={said} description={field.auto && text === "auto" ? field.auto.said : undefined} inputWrapperOrder={["input", "description", "error"]} inputMode={numeric && !field.auto ? "decimal" : "text"} placeholder={field.nullable ? "none" : undefined}
      rightSection={field.unit ? <span className={classes.unit}>{field.unit}</span> : undefined} rightSectionWidth={field.unit ? field.unit.length * 7 + 14 : undefined} rightSectionPointerEvents="none"
      classNames={{ input: changed ? classes.changed : undefined }}
      onChange={(event) => type(event.currentTarget.value)} onBlur={commit} onKeyDown={(event) => (event.key === "Enter" ? commit() : undefined)}
    />
  );
}
