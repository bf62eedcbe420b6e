import type { ReactNode } from "react";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import classes from "./sign-in-frame.module.css";

/** A quiet sheet in the middle of the page. */
export function SignInFrame({ title, pageTitle, children }: { title: string; pageTitle: string; children: ReactNode }) {
  useBreadcrumbs([], pageTitle);
  return (
    <main className={classes.ground}>
      <div className={classes.sheet}>
        <div className={classes.brand}>
          <svg viewBox="0 0 32 32" width={26} height={26} aria-hidden><path d="M16 2l3.2 10.8L30 16l-10.8 3.2L16 30l-3.2-10.8L2 16l10.8-3.2z" fill="currentColor" /></svg>
          <span>Lodestar</span>
        </div>
        <h1 className={classes.title}>{title}</h1>
        {children}
      </div>
    </main>
  );
}
