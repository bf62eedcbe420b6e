import { Tooltip } from "@mantine/core";
import { IconCpu } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { workersQuery } from "@/api/projects";
import { freeSlots } from "./slots";
import classes from "./top-bar.module.css";

/** Free places for runs over all workers that answer. */
export function FreeSlots() {
  const { data } = useQuery({ ...workersQuery, refetchInterval: 15_000 });
  if (!data) return null;
  const { free, total, online } = freeSlots(data);
  const label = online === 0 ? "No worker answers. Start one to run anything." : `${free} of ${total} places for runs are free on ${online} ${online === 1 ? "worker" : "workers"}`;
  const shown = online === 0 ? "no worker" : `${free}/${total} free`;
  return (
    <Tooltip label={label}>
      <Link to="/ops/workers" className={classes.slots} aria-label={`${shown}: ${label}`}>
        <IconCpu size={14} aria-hidden color={online === 0 ? "var(--ls-bad)" : undefined} /> {shown}
      </Link>
    </Tooltip>
  );
}
