import { ActionIcon, Pill, TextInput, Tooltip } from "@mantine/core";
import { IconInfoCircle, IconSearch, IconX } from "@tabler/icons-react";
import { type KeyboardEvent, type Ref, useEffect, useState } from "react";
import classes from "./filter-box.module.css";
import { tokensOf, withoutToken } from "./filter-tokens";

interface Props { value: string; error?: string; inputRef?: Ref<HTMLInputElement>; onChange: (line: string) => void }

const PAUSE_MS = 300;
const GRAMMAR = 'Words match name, tags and notes. Conditions: state:running method:grpo tag:x by:ada config.seed:0 reward>0.5 kl<5 eval/exact_match>=0.9. All must hold; quote what has spaces.';

/** The filter as text and as chips: one grammar with the API. */
export function FilterBox({ value, error, inputRef, onChange }: Props) {
  const [line, setLine] = useState(value);
  const [seen, setSeen] = useState(value);
  if (seen !== value) {
    setSeen(value);
    setLine(value);
  }
  useEffect(() => {
    if (line === value) return undefined;
    const timer = window.setTimeout(() => onChange(line.trim()), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [line, value, onChange]);
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === "Enter") onChange(line.trim());
    if (event.key === "Escape") event.currentTarget.blur();
  };
  return (
    <div className={classes.box}>
      <TextInput
        ref={inputRef} value={line} error={error} aria-label="Filter runs" placeholder="Filter: state:running kl<5 method:grpo" leftSection={<IconSearch size={14} />}
        onChange={(event) => setLine(event.currentTarget.value)} onKeyDown={onKeyDown} rightSectionWidth={56}
        rightSection={
          <span className={classes.right}>
            {line ? <ActionIcon size={24} aria-label="Clear the filter" onClick={() => onChange("")}><IconX size={14} /></ActionIcon> : null}
            <Tooltip label={GRAMMAR} multiline maw={360} events={{ hover: true, focus: true, touch: true }}><ActionIcon size={24} aria-label={GRAMMAR}><IconInfoCircle size={14} /></ActionIcon></Tooltip>
          </span>
        }
      />
      {tokensOf(value).length > 1 ? (
        <Pill.Group gap={4} mt={4}>
          {tokensOf(value).map((token, index) => (
            <Pill key={`${index}-${token}`} withRemoveButton removeButtonProps={{ "aria-label": `Remove ${token}`, tabIndex: 0 }} onRemove={() => onChange(withoutToken(value, index))}>{token}</Pill>
          ))}
        </Pill.Group>
      ) : null}
    </div>
  );
}
