import { Anchor, Button, Group, SegmentedControl, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { exportCampaign, exportCountsQuery, exportFile, exportsQuery } from "@/api/annotation";
import { explain } from "@/api/problem";
import type { Campaign, CampaignExport, ExportShape } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { Panel } from "@/ui/panel";
import { Time } from "@/ui/time";
import classes from "./annotate.module.css";
import { exportLeftOutWords } from "./left-out";

const RULES: Record<ExportShape, string> = {
  preference: "Every judgment that prefers a side is a row with prompt, chosen and rejected. Ties, both bad and skips prefer nothing and give no row.",
  unpaired: "A preferred answer is a good row and the other a bad one; both bad gives two bad rows. Ties and skips give none.",
};
const STATES: Record<string, string> = { writing: "being written", ingesting: "being read", ready: "ready", refused: "refused", cancelled: "cancelled" };

/** The judgments as a version of a data set, with one click, and as files. */
export function ExportView({ campaign, shape, canEdit, onShape }: { campaign: Campaign; shape: ExportShape; canEdit: boolean; onShape: (shape: ExportShape) => void }) {
  const client = useQueryClient();
  const counts = useQuery(exportCountsQuery(campaign.id, shape));
  const made = useQuery(exportsQuery(campaign.id));
  const make = useMutation({
    mutationFn: () => exportCampaign(campaign.id, shape),
    onSuccess: () => client.invalidateQueries({ queryKey: ["campaign", campaign.id] }),
  });
  const rows = counts.data?.rows ?? 0;
  const why = !canEdit ? "Editors and owners export." : rows === 0 ? "No judgment prefers a side yet." : counts.data?.unchanged_since ? `Nothing was judged since v${counts.data.unchanged_since}.` : undefined;
  return (
    <div className={classes.stack}>
      <Panel title="Export">
        <SegmentedControl aria-label="Shape of the rows" value={shape} onChange={(value) => onShape(value as ExportShape)} data={[{ value: "preference", label: "Pairs (preference)" }, { value: "unpaired", label: "Single answers (KTO)" }]} />
        <Text mt={12} maw="80ch">{RULES[shape]} A resolution stands instead of the judgments of its pair. Each row says who judged, when, how strongly, and whose answers they were at which training step.</Text>
        {counts.isError ? <FailedState error={counts.error} onRetry={() => void counts.refetch()} /> : null}
        {counts.data ? <Text mt={8}><strong>{rows} rows.</strong> <Text span c="dimmed">{exportLeftOutWords(counts.data.left_out)}</Text></Text> : <LoadingState rows={1} />}
        <Group mt={12} gap={12}>
          <Button loading={make.isPending} disabled={why !== undefined} title={why} onClick={() => make.mutate()}>{counts.data ? `Make v${counts.data.next_version ?? 1}` : "Make a version"}</Button>
          {counts.data?.unchanged_since ? <Text c="dimmed">{why}</Text> : null}
          {make.isError ? <Text c="var(--ls-bad)" role="alert">{explain(make.error)}</Text> : null}
        </Group>
      </Panel>
      {made.data && made.data.length > 0 ? (
        <Panel title="Versions made" flush>
          <div className={classes.sideways}>
            <table className={classes.table}>
              <thead><tr>{["Version", "Rows", "Shape", "State", "Files", "Made"].map((title) => <th key={title} scope="col">{title}</th>)}</tr></thead>
              <tbody>{made.data.map((one) => <Made key={one.id} campaign={campaign} one={one} canEdit={canEdit} />)}</tbody>
            </table>
          </div>
        </Panel>
      ) : null}
    </div>
  );
}

function Made({ campaign, one, canEdit }: { campaign: Campaign; one: CampaignExport; canEdit: boolean }) {
  const ready = one.state === "ready";
  const params = { projectId: campaign.project_id, datasetId: one.dataset_id ?? "", version: String(one.version_number ?? 1), tab: "rows" };
  const said = one.error && typeof one.error.message === "string" ? one.error.message : "";
  return (
    <tr>
      <td>{one.version_number ? <Anchor underline="always" renderRoot={(props) => <Link to="/p/$projectId/data/$datasetId/v/$version/$tab" params={params} {...props} />}>v{one.version_number}</Anchor> : "–"}</td>
      <td>{one.rows || "–"}</td>
      <td>{one.shape === "preference" ? "pairs" : "single answers"}</td>
      <td>{STATES[one.state] ?? one.state}{said ? `: ${said}` : ""}{ready && canEdit && one.version_id ? <> · <Anchor underline="always" renderRoot={(props) => <Link to="/p/$projectId/runs/new" params={{ projectId: campaign.project_id }} search={{ data: one.version_id ?? undefined }} {...props} />}>Train on it</Anchor></> : null}</td>
      <td>{one.version_id ? <><Anchor underline="always" href={exportFile(one.id, "jsonl")} download>JSONL</Anchor> <Anchor underline="always" href={exportFile(one.id, "parquet")} download>Parquet</Anchor></> : "–"}</td>
      <td><Time at={one.created_at} /></td>
    </tr>
  );
}
