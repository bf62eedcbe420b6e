import type { ReactNode } from "react";
import classes from "./page.module.css";

interface Props { title: ReactNode; actions?: ReactNode; note?: ReactNode; children: ReactNode; wide?: boolean; sticky?: boolean }

/** A page: its heading, its actions, its content. `sticky` keeps heading and actions in sight. */
export function PageFrame({ title, actions, note, children, wide = false, sticky = false }: Props) {
  return (
    <div className={wide ? classes.wide : classes.page}>
      <div className={`${classes.head} ${sticky ? classes.sticky : ""}`}>
        <h1 className={classes.title}>{title}</h1>
        {note ? <div className={classes.note}>{note}</div> : null}
        {actions ? <div className={classes.actions}>{actions}</div> : null}
      </div>
      {children}
    </div>
  );
}
