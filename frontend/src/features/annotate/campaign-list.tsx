import { Button, Group, Progress } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Campaign } from "@/api/shapes";
import { Time } from "@/ui/time";
import classes from "./annotate.module.css";
import { CampaignState } from "./campaign-state";

interface Props { campaigns: Campaign[]; canAnnotate: boolean; seesAll: boolean }

/** The campaigns of a project: how far each is, the way to its work, and for those who run it the way to what came of it. */
export function CampaignList({ campaigns, canAnnotate, seesAll }: Props) {
  return (
    <ul className={classes.cards} aria-label="Campaigns">
      {campaigns.map((campaign) => {
        const params = { projectId: campaign.project_id, campaignId: campaign.id };
        return (
          <li key={campaign.id} className={classes.card}>
            <div>
              {seesAll ? <Link to="/p/$projectId/annotate/$campaignId/$tab" params={{ ...params, tab: "overview" }} className={classes.cardName}><bdi>{campaign.name}</bdi></Link> : <span className={classes.cardName}><bdi>{campaign.name}</bdi></span>}
              <CampaignState state={campaign.state} />
            </div>
            <div className={classes.meta}><bdi>{campaign.question}</bdi><Time at={campaign.created_at} /></div>
            <Progress value={campaign.tasks ? (100 * campaign.done) / campaign.tasks : 0} size={6} aria-label={`Pairs of ${campaign.name} that are done`} />
            <div className={classes.meta}>
              <span>{campaign.done} of {campaign.tasks} pairs · {campaign.mine} judged by you{campaign.overlap > 1 ? ` · ${campaign.overlap} people each` : ""}</span>
              <Group gap={8}>
                {canAnnotate && campaign.state === "open" ? <Button size="compact-sm" aria-label={`Annotate ${campaign.name}`} renderRoot={(props) => <Link to="/p/$projectId/annotate/$campaignId/work" params={params} {...props} />}>Annotate</Button> : null}
              </Group>
            </div>
          </li>
        );
      })}
    </ul>
  );
}
