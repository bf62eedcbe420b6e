import { ActionIcon, Kbd, Tooltip, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { IconKeyboard, IconSearch } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useStanding } from "@/api/standing";
import { FreeSlots } from "./free-slots";
import { PersonMenu } from "./person-menu";
import classes from "./top-bar.module.css";
import { Trail } from "./trail";
import { useProject } from "./use-project";

export function TopBar({ onSearch, onKeys }: { onSearch: () => void; onKeys: () => void }) {
  const { onlyAnnotates } = useStanding(useProject().projectId);
  return (
    <div className={classes.bar}>
      <Link to="/" className={classes.logo} aria-label="Lodestar, home">
        <svg viewBox="0 0 32 32" width={20} height={20} aria-hidden><path d="M16 2l3.2 10.8L30 16l-10.8 3.2L16 30l-3.2-10.8L2 16l10.8-3.2z" fill="currentColor" /></svg>
        <span className={classes.word}>Lodestar</span>
      </Link>
      <Trail />
      <div className={classes.right}>
        <UnstyledButton className={classes.search} onClick={onSearch} aria-keyshortcuts="Control+K">
          <IconSearch size={14} aria-hidden />
          <VisuallyHidden>Search and commands</VisuallyHidden>
          <span className={classes.hint} aria-hidden>Search</span>
          <Kbd size="xs" className={classes.hint} aria-hidden>ctrl K</Kbd>
        </UnstyledButton>
        {onlyAnnotates ? null : <FreeSlots />}
        <Tooltip label="Keys of this page  ?">
          <ActionIcon onClick={onKeys} aria-label="Keys of this page" className={classes.wideOnly}><IconKeyboard size={16} /></ActionIcon>
        </Tooltip>
        <PersonMenu />
      </div>
    </div>
  );
}
