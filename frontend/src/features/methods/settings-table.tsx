import type { JsonSchema } from "@/api/shapes";
import { boundsText, fieldsOf, shownAs } from "@/ui/schema/schema-fields";
import table from "@/ui/table.module.css";
import classes from "./methods.module.css";

/** Every setting of a method: its name in files, default, bounds and what it does. */
export function SettingsTable({ schema }: { schema: JsonSchema }) {
  return (
    // Scrolls sideways where it is wider than the screen, so the keyboard must reach it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={`${table.sideways} ${classes.wide}`} tabIndex={0} role="group" aria-label="Table of settings">
      <table className={table.table}>
        <thead><tr><th scope="col">Setting</th><th scope="col">Default</th><th scope="col">Allowed</th><th scope="col">What it does</th></tr></thead>
        <tbody>
          {fieldsOf(schema).map((field) => (
            <tr key={field.key}>
              <td><code className={classes.value}>{field.key}</code>{field.live ? <div className={classes.quiet}>changes while it runs</div> : null}</td>
              <td className={classes.value}>{shownAs(field, field.fallback) || "—"}{field.unit ? ` ${field.unit}` : ""}</td>
              <td className={classes.value}>{field.kind === "choice" ? field.choices.join(", ") : boundsText(field) || "—"}</td>
              <td>{field.help}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
