import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./welcome-page.module.css";

interface Props { icon: Icon; title: string; text: string; lead?: boolean; children: ReactNode }

export function FirstStep({ icon: Icon, title, text, lead = false, children }: Props) {
  return (
    <section className={classes.step} data-lead={lead || undefined}>
      <Icon size={24} stroke={1.5} aria-hidden />
      <h2>{title}</h2>
      <p>{text}</p>
      <div className={classes.action}>{children}</div>
    </section>
  );
}
