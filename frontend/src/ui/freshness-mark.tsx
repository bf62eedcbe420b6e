import { Tooltip } from "@mantine/core";
import { type Freshness, freshnessLook } from "./freshness";

export function FreshnessMark({ state }: { state: Freshness }) {
  const look = freshnessLook(state);
  return (
    <Tooltip label={look.hint}>
      <span style={{ color: look.colour, fontSize: 12, whiteSpace: "nowrap" }} tabIndex={-1}>
        <span aria-hidden>{look.mark}</span> {look.text}
      </span>
    </Tooltip>
  );
}
