import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { MethodCard } from "@/api/shapes";
import { Formula } from "@/ui/formula";
import { isStartedFromForm } from "./started-from-form";
import classes from "./methods.module.css";
import { Papers } from "./papers";

interface Props { projectId: string; card: MethodCard; needs: string; canEdit: boolean; hasWorker: boolean }

/** A method of the catalogue: what it is, its formula, its paper, what it needs, and the way to a run. */
export function MethodEntry({ projectId, card, needs, canEdit, hasWorker }: Props) {
  return (
    <li className={classes.entry}>
      <div className={classes.head}>
        <h3 className={classes.title}><Link to="/p/$projectId/methods/$slug" params={{ projectId, slug: card.slug }}>{card.title}</Link></h3>
        <code className={classes.slug}>{card.slug}</code>
      </div>
      <p className={classes.summary}>{card.summary}</p>
      {card.formula ? <Formula tex={card.formula} /> : null}
      <Papers papers={card.papers} />
      <div className={classes.foot}>
        <span className={classes.quiet}>{needs}{hasWorker ? "" : "; no worker knows it yet"}</span>
        {canEdit && isStartedFromForm(card) ? (
          <Button size="compact-sm" variant="default" aria-label={`New run with ${card.title}`} renderRoot={(root) => <Link to="/p/$projectId/runs/new" params={{ projectId }} search={{ method: card.slug }} {...root} />}>New run</Button>
        ) : null}
      </div>
    </li>
  );
}
