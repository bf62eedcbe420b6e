import { useMediaQuery } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import type { Reward } from "@/api/shapes";
import { Panel } from "@/ui/panel";
import { Time } from "@/ui/time";
import classes from "./rewards.module.css";

/** The project's rewards by their newest version; on a phone the terms stand below the name. */
export function RewardsTable({ projectId, rewards }: { projectId: string; rewards: Reward[] }) {
  const narrow = useMediaQuery("(max-width: 768px)", window.innerWidth <= 768, { getInitialValueInEffect: false });
  return (
    <Panel flush label="Rewards">
      <div className={classes.wrap}>
        <table className={classes.table}>
          <thead><tr><th scope="col">Name</th>{narrow ? null : <th scope="col">Terms</th>}<th scope="col">Version</th>{narrow ? null : <th scope="col">By</th>}<th scope="col">Saved</th></tr></thead>
          <tbody>
            {rewards.map((reward) => (
              <tr key={reward.id}>
                <td><Link className={classes.link} to="/p/$projectId/rewards/$rewardId/v/$version/$tab" params={{ projectId, rewardId: reward.id, version: String(reward.latest.number), tab: "compose" }}>{reward.name}</Link>{narrow ? <div style={{ color: "var(--ls-muted)", fontSize: 12 }}>{termsText(reward)}</div> : null}</td>
                {narrow ? null : <td>{termsText(reward)}</td>}
                <td>v{reward.latest.number}</td>
                {narrow ? null : <td>{reward.latest.created_by?.name ?? "–"}</td>}
                <td><Time at={reward.latest.created_at} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function termsText(reward: Reward): string {
  return reward.latest.pipeline.terms.map((term) => (term.gate ? `gate ${term.name}` : `${term.weight} ${term.name}`)).join(", ");
}
