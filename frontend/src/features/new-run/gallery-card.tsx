import { Anchor, Button, Popover, UnstyledButton } from "@mantine/core";
import { IconExternalLink, IconMathFunction } from "@tabler/icons-react";
import type { MethodCard } from "@/api/shapes";
import { Formula } from "@/ui/formula";
import classes from "./method-gallery.module.css";
import { needsText, shortName } from "./readiness";

interface Props { card: MethodCard; chosen: boolean; fits: boolean; hasWorker: boolean; onChoose: () => void }

/** A method in a line or two; when chosen, its summary, formula and paper. */
export function GalleryCard({ card, chosen, fits, hasWorker, onChoose }: Props) {
  const paper = card.papers[0];
  return (
    <div className={classes.card} data-chosen={chosen || undefined} data-unfit={!fits || undefined}>
      <UnstyledButton role="radio" aria-checked={chosen} className={classes.choose} onClick={onChoose}>
        <span className={classes.name}>{shortName(card.slug) && <span className={classes.short}>{shortName(card.slug)}</span>} {card.title}</span>
        <span className={classes.need}>{needsText(card)}</span>
        {hasWorker ? null : <span className={classes.warn}>no worker knows it; a run would wait</span>}
      </UnstyledButton>
      {chosen ? (
        <div className={classes.more}>
          <p>{card.summary}</p>
          {card.formula ? (
            <Popover width="auto" position="bottom-start">
              <Popover.Target><Button variant="default" size="compact-xs" mb={4} leftSection={<IconMathFunction size={14} />}>Formula</Button></Popover.Target>
              <Popover.Dropdown maw="min(92vw, 900px)"><Formula tex={card.formula} /></Popover.Dropdown>
            </Popover>
          ) : null}
          {paper ? (
            <Anchor display="block" href={paper.link || undefined} target="_blank" rel="noreferrer" size="xs">
              {paper.title}, {paper.year} <IconExternalLink size={12} aria-label="opens a new window" />
            </Anchor>
          ) : null}
        </div>
      ) : null}
    </div>
  );
}
