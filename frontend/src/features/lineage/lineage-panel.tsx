import { Text } from "@mantine/core";
import { useQuery, type UseQueryOptions } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import type { Lineage } from "@/api/lineage";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { Panel } from "@/ui/panel";
import { inputsOf, layers, placeOf } from "./layers";
import classes from "./lineage.module.css";

/** Where a thing comes from and what became of it: columns from labels and data to evaluations; the same in order for readers of lists. */
export function LineagePanel({ projectId, here, query }: { projectId: string; here: string; query: UseQueryOptions<Lineage, Error, Lineage, string[]> }) {
  const found = useQuery(query);
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const place = list.current?.querySelector<HTMLElement>('[aria-current="true"]');
    // A long way is wider than the page: what the page is about stands in the middle of it, and only the list scrolls.
    if (list.current && place) list.current.scrollLeft = place.offsetLeft - list.current.offsetLeft - (list.current.clientWidth - place.offsetWidth) / 2;
  }, [found.data, here]);
  if (found.error) return <FailedState error={found.error} onRetry={() => void found.refetch()} what="Lineage" />;
  if (!found.data) return <LoadingState rows={2} />;
  const lineage = found.data;
  return (
    <Panel title="Lineage">
      <ol ref={list} className={classes.columns} aria-label="From origin to outcome">
        {layers(lineage).map((column) => (
          <li key={column[0]?.id}>
            <ul className={classes.column}>
              {column.map((node) => {
                const place = placeOf(projectId, node);
                const inputs = inputsOf(lineage, node);
                return (
                  <li key={node.id} className={classes.node} data-here={node.id === here} aria-current={node.id === here ? "true" : undefined}>
                    <span className={classes.kind}>{node.kind}{node.state && node.state !== "ready" ? ` · ${node.state}` : ""}</span>
                    {place && node.id !== here ? <Link to={place} className="ls-link">{node.name}</Link> : <strong>{node.name}</strong>}
                    {inputs ? <span className={classes.kind}>{inputs}</span> : null}
                  </li>
                );
              })}
            </ul>
          </li>
        ))}
      </ol>
      {lineage.cut ? <Text size="xs" c="dimmed" mt={8}>There is more than fits here.</Text> : null}
    </Panel>
  );
}
