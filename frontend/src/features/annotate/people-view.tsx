import { useQuery } from "@tanstack/react-query";
import { overviewQuery } from "@/api/annotation";
import type { Campaign } from "@/api/shapes";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { formatDuration, formatShare } from "@/ui/numbers";
import { Panel } from "@/ui/panel";
import { Time } from "@/ui/time";
import classes from "./annotate.module.css";

/** Who judged how much, how fast, and how far each agrees with the others and with what is known. */
export function PeopleView({ campaign }: { campaign: Campaign }) {
  const query = useQuery(overviewQuery(campaign.id));
  if (query.isError && !query.data) return <FailedState error={query.error} onRetry={() => void query.refetch()} what="People" />;
  if (!query.data) return <LoadingState rows={4} />;
  if (query.data.people.length === 0) {
    return <EmptyState title="Nobody has judged yet" api={`POST /api/v1/campaigns/${campaign.id}/tasks`}>Annotators, editors and owners of the project find the campaign under Annotate. Invite them under Settings, Members.</EmptyState>;
  }
  return (
    <Panel flush label="People">
      {/* Scrolls sideways where it is wider than the screen, so the keyboard must reach it. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={classes.sideways} tabIndex={0} role="group" aria-label="Table of people">
        <table className={classes.table}>
          <thead>
            <tr>{["Person", "Judgments", "Skips", "Flags", "Time for a pair", "Left side", "Agrees", "As known", "Last"].map((title, index) => <th key={title} scope="col" className={index > 0 && index < 8 ? classes.number : undefined}>{title}</th>)}</tr>
          </thead>
          <tbody>
            {query.data.people.map((person) => (
              <tr key={person.annotator_id}>
                <td><bdi>{person.name}</bdi></td>
                <td className={classes.number}>{person.judgments}</td>
                <td className={classes.number}>{person.skips}</td>
                <td className={classes.number}>{person.flags}</td>
                <td className={classes.number}>{formatDuration(person.median_seconds)}</td>
                <td className={classes.number}>{formatShare(person.a_share.value, 0)}</td>
                <td className={classes.number}>{formatShare(person.agreement, 0)}</td>
                <td className={classes.number}>{formatShare(person.known.value, 0)}</td>
                <td><Time at={person.last_at} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
