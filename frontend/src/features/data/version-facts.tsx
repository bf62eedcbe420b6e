import type { DatasetVersion } from "@/api/shapes";
import { CopyId } from "@/ui/copy-id";
import { formatBytes, formatCount } from "@/ui/numbers";
import { Time } from "@/ui/time";
import classes from "./data.module.css";
import { KIND_WORDS } from "./mapping-fields";

/** What a version is, in one line; its hash stands for its content. */
export function VersionFacts({ version }: { version: DatasetVersion }) {
  const size = version.splits.reduce((sum, split) => sum + split.size_bytes, 0);
  return (
    <dl className={classes.facts}>
      {version.kind && <div><dt>kind</dt><dd>{KIND_WORDS[version.kind]}</dd></div>}
      <div><dt>rows</dt><dd>{formatCount(version.rows)}</dd></div>
      {version.splits.length > 1 && <div><dt>splits</dt><dd>{version.splits.map((split) => `${split.name} ${formatCount(split.rows)}`).join(", ")}</dd></div>}
      <div><dt>size</dt><dd>{formatBytes(size)}</dd></div>
      {version.mapping?.label && <div><dt>read as</dt><dd style={{ fontWeight: 400 }}>{version.mapping.label}</dd></div>}
      <div><dt>made</dt><dd style={{ fontWeight: 400 }}><Time at={version.created_at} /></dd></div>
      {version.content_hash && <div><dt>content</dt><dd><CopyId id={version.content_hash} short /></dd></div>}
    </dl>
  );
}
