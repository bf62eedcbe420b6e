import { Anchor } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import type { MethodCard } from "@/api/shapes";
import classes from "./methods.module.css";

/** What the method was taken from, one line each. */
export function Papers({ papers }: { papers: MethodCard["papers"] }) {
  return (
    <ul className={classes.papers}>
      {papers.map((paper) => (
        <li key={paper.title}>
          {paper.link ? <Anchor href={paper.link} target="_blank" rel="noreferrer" size="xs">{paper.title} <IconExternalLink size={12} aria-label="opens a new window" /></Anchor> : paper.title}
          <span className={classes.quiet}> {[paper.authors, paper.year].filter(Boolean).join(", ")}</span>
        </li>
      ))}
    </ul>
  );
}
