import { Menu, UnstyledButton } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import { type Crumb, useTrail } from "@/ui/breadcrumbs";
import classes from "./trail.module.css";

/** Where we are; the last part lists its siblings. */
export function Trail() {
  const trail = useTrail();
  return (
    <nav aria-label="Breadcrumbs" className={classes.trail}>
      <ol>
        {trail.map((crumb, index) => (
          <li key={`${index}-${crumb.label}`} data-last={index === trail.length - 1 || undefined}>
            {index > 0 ? <span aria-hidden className={classes.slash}>/</span> : null}
            {crumb.siblings?.length ? <Siblings crumb={crumb} /> : crumb.to ? <Link to={crumb.to}>{crumb.label}</Link> : <bdi className={classes.here}>{crumb.label}</bdi>}
          </li>
        ))}
      </ol>
    </nav>
  );
}

function Siblings({ crumb }: { crumb: Crumb }) {
  const navigate = useNavigate();
  return (
    <Menu position="bottom-start" shadow="md">
      <Menu.Target>
        <UnstyledButton className={classes.siblings}><bdi>{crumb.label}</bdi><IconChevronDown size={12} aria-hidden /></UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown mah={360} style={{ overflowY: "auto" }}>
        {crumb.siblings?.map((one) => <Menu.Item key={one.to} onClick={() => void navigate({ to: one.to })}>{one.label}</Menu.Item>)}
      </Menu.Dropdown>
    </Menu>
  );
}
