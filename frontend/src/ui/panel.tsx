import type { ReactNode } from "react";
import classes from "./panel.module.css";

interface Props { title?: ReactNode; actions?: ReactNode; children: ReactNode; flush?: boolean; label?: string }

/** A flat surface with an optional head; `flush` lets a table reach the edges. */
export function Panel({ title, actions, children, flush = false, label }: Props) {
  return (
    <section className={classes.panel} aria-label={label ?? (typeof title === "string" ? title : undefined)}>
      {title || actions ? (
        <div className={classes.head}>
          <h2 className={classes.title}>{title}</h2>
          <div className={classes.actions}>{actions}</div>
        </div>
      ) : null}
      <div className={flush ? undefined : classes.body}>{children}</div>
    </section>
  );
}
