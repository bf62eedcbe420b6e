import type { Fault } from "@/api/shapes";
import classes from "./data.module.css";
import { faultPlace } from "./mapping-fields";

const MOST = 20;

/** The first faults of a file, each by line and column. */
export function FaultList({ faults }: { faults: Fault[] }) {
  return (
    <ul className={classes.faults}>
      {faults.slice(0, MOST).map((fault, index) => (
        <li key={index}>
          <span className={classes.name}>{faultPlace(fault) || fault.field || "File"}</span>
          <span>{fault.field && faultPlace(fault) ? <code>{fault.field}</code> : null} <bdi>{fault.message}</bdi></span>
        </li>
      ))}
    </ul>
  );
}
