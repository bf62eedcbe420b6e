import { Button, Text } from "@mantine/core";
import { IconClipboardText, IconCube, IconUpload, IconWorldDownload } from "@tabler/icons-react";
import { useRef, useState, type DragEvent } from "react";
import classes from "./data.module.css";

const KINDS = ".jsonl,.json,.csv,.parquet,.gz,.ndjson";

/** Drop a file, choose one, paste rows, name a data set of the Hub, or generate a world. */
export function DropArea({ onFile, onPaste, onHub, onWorld }: { onFile: (file: File) => void; onPaste: () => void; onHub: () => void; onWorld?: () => void }) {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) onFile(file);
  };
  return (
    <div
      className={classes.drop}
      data-over={over}
      role="group"
      aria-label="Bring data"
      onDragOver={(event) => { event.preventDefault(); setOver(true); }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <div className={classes.grow}>
        <Text fw={600}>Drop a file here</Text>
        <Text size="xs" c="dimmed">JSONL, JSON, CSV or Parquet, also gzipped. Columns are found by themselves; nothing is stored before you say so.</Text>
      </div>
      <input ref={input} type="file" accept={KINDS} hidden aria-label="File to upload" onChange={(event) => { const file = event.currentTarget.files?.[0]; event.currentTarget.value = ""; if (file) onFile(file); }} />
      <Button leftSection={<IconUpload size={16} />} onClick={() => input.current?.click()}>Choose file</Button>
      <Button variant="default" leftSection={<IconClipboardText size={16} />} onClick={onPaste}>Paste rows</Button>
      <Button variant="default" leftSection={<IconWorldDownload size={16} />} onClick={onHub}>Hub name</Button>
      {onWorld ? <Button variant="default" leftSection={<IconCube size={16} />} onClick={onWorld}>Generate</Button> : null}
    </div>
  );
}
