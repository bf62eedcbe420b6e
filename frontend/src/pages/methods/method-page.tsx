import { Button } from "@mantine/core";
import { IconMathFunction, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { algorithmsQuery } from "@/api/algorithms";
import type { MethodCard } from "@/api/shapes";
import { useStanding } from "@/api/standing";
import { CurvesTable } from "@/features/methods/curves-table";
import classes from "@/features/methods/methods.module.css";
import { Papers } from "@/features/methods/papers";
import { SettingsTable } from "@/features/methods/settings-table";
import { isStartedFromForm } from "@/features/methods/started-from-form";
import { Formula } from "@/ui/formula";
import { kindsText, roleTitle, takesReward } from "@/features/new-run/readiness";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";
import table from "@/ui/table.module.css";

const route = getRouteApi("/signed-in/p/$projectId/methods/$slug");

const CERTAINTY: Record<MethodCard["confidence"], string> = {
  code: "Checked against published code.",
  paper: "Written from the paper.",
  notes: "Written from notes about the paper.",
  knowledge: "Written from the form that is generally known.",
  reconstruction: "Rebuilt where the paper leaves details open.",
};

/** One method: formula, papers, what it needs, its presets, settings and curves. */
export function MethodPage() {
  const { projectId, slug } = route.useParams();
  const { canEdit } = useStanding(projectId);
  const catalogue = useQuery(algorithmsQuery);
  const card = catalogue.data?.methods.find((one) => one.slug === slug);
  useBreadcrumbs([{ label: "Methods", to: `/p/${projectId}/methods` }, { label: card?.title ?? slug }], card?.title ?? slug);
  if (catalogue.isPending) return <PageFrame title={slug}><LoadingState rows={8} /></PageFrame>;
  if (catalogue.error) return <PageFrame title={slug}><FailedState error={catalogue.error} onRetry={() => void catalogue.refetch()} /></PageFrame>;
  if (!card) {
    const all = <Button variant="default" renderRoot={(root) => <Link to="/p/$projectId/methods" params={{ projectId }} {...root} />}>All methods</Button>;
    return <PageFrame title={slug}><EmptyState icon={IconMathFunction} title="No such method" action={all} api="GET /api/v1/algorithms">The catalogue has no method of this name.</EmptyState></PageFrame>;
  }
  const actions = (
    <>
      <Button variant="default" renderRoot={(root) => <Link to="/p/$projectId/runs" params={{ projectId }} search={{ q: `method:${card.slug}`, kind: card.kind === "train" ? undefined : "all" }} {...root} />}>Its runs</Button>
      {canEdit && isStartedFromForm(card) ? <Button leftSection={<IconPlus size={14} />} renderRoot={(root) => <Link to="/p/$projectId/runs/new" params={{ projectId }} search={{ method: card.slug }} {...root} />}>New run</Button> : null}
    </>
  );
  return (
    <PageFrame title={card.title} note={<><code>{card.slug}</code> · {card.family}</>} actions={actions}>
      <div className={classes.stack}>
        <Panel label="What it does">
          <p className={classes.summary}>{card.summary}</p>
          {card.formula ? <Formula tex={card.formula} /> : null}
          <Papers papers={card.papers} />
          <p className={classes.quiet}>{CERTAINTY[card.confidence]}{card.left_out ? ` Not in it: ${card.left_out}` : ""}</p>
        </Panel>
        <div className={classes.columns}>
          <Panel title="Needs">
            <ul className={classes.lines}>
              {card.data.map((need) => <li key={`data ${need.role}`}><b>{need.role === "train" ? "Data" : roleTitle(need.role).replace(" model", " data")}</b>: {kindsText(need.kinds)}{need.required ? "" : ", if there are any"}. <span className={classes.quiet}>{need.help}</span></li>)}
              {card.models.map((need) => <li key={`model ${need.role}`}><b>{roleTitle(need.role)}</b>{need.required ? "" : ", if wanted"}. <span className={classes.quiet}>{need.help}</span></li>)}
              {takesReward(card) ? <li><b>Reward</b>{card.needs_reward ? "" : ", if wanted"}.</li> : null}
            </ul>
          </Panel>
          {card.presets.length > 0 ? (
            <Panel title="Presets" flush>
              <table className={`${table.table} ${classes.presets}`}>
                <tbody>
                  {card.presets.map((preset) => (
                    <tr key={preset.name}>
                      <td><b>{preset.title}</b><div className={classes.quiet}>{preset.description}</div></td>
                      <td className={classes.value}>{Object.entries(preset.config).map(([name, value]) => `${name}: ${String(value)}`).join(", ") || "the defaults"}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Panel>
          ) : null}
        </div>
        <Panel title="Settings" flush><SettingsTable schema={card.config_schema} /></Panel>
        {card.metrics.length > 0 ? <Panel title="Curves" flush><CurvesTable metrics={card.metrics} /></Panel> : null}
      </div>
    </PageFrame>
  );
}
