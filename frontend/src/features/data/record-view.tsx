import type { CanonicalRow, ChatMessage } from "@/api/datasets";
import classes from "./data.module.css";

/** A canonical row: its fields by name, conversations turn by turn, the two answers of a pair side by side. The text is somebody's data: shown, never run. */
export function RecordView({ record, clamp = false }: { record: CanonicalRow; clamp?: boolean }) {
  const extra = Object.entries((record.extra ?? {}) as Record<string, unknown>);
  const fields = [...Object.entries(record).filter(([name]) => name !== "extra"), ...extra].filter(([, value]) => value !== null && value !== undefined);
  const box = clamp ? classes.clamp : undefined;
  const pair = PAIR.flatMap((side) => fields.filter(([name]) => name === side));
  const single = pair.length === 2 ? fields.filter((field) => !pair.includes(field)) : fields;
  return (
    <>
      {single.map(([name, value]) => (
        <div key={name} className={classes.field}>
          <span className={classes.name}>{name}</span>
          <div className={box}><FieldValue value={value} /></div>
        </div>
      ))}
      {pair.length === 2 && (
        <div className={classes.pair}>
          {pair.map(([name, value]) => <div key={name} className={classes.half} data-side={name}><span className={classes.name}>{name}</span><div className={box}><FieldValue value={value} /></div></div>)}
        </div>
      )}
    </>
  );
}

/** The two answers of a preference, which are read against one another. */
const PAIR = ["chosen", "rejected"];

/** A long text scrolls in its own box, which keys must reach; no region, of which a page would have dozens of one name. */
function Scrolled({ label, children }: { label: string; children: string }) {
  // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
  return <pre className={classes.text} dir="auto" tabIndex={0} role="group" aria-label={label}>{children}</pre>;
}

function FieldValue({ value }: { value: unknown }) {
  if (isMessages(value)) {
    return (
      <>
        {value.map((message, index) => (
          <div key={index} className={classes.turn} data-role={message.role}>
            <span className={classes.name}>{message.role}{message.weight === 0 && ", not trained"}</span>
            <Scrolled label={`Text of ${message.role}`}>{message.content}</Scrolled>
          </div>
        ))}
      </>
    );
  }
  if (Array.isArray(value) && value.every((one) => typeof one === "string" || isMessages(one))) {
    return <>{value.map((one, index) => <div key={index} className={classes.turn}><FieldValue value={one} /></div>)}</>;
  }
  return <Scrolled label="Text">{typeof value === "string" ? value : JSON.stringify(value)}</Scrolled>;
}

function isMessages(value: unknown): value is ChatMessage[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "object" && one !== null && "role" in one && "content" in one);
}
