import { Anchor } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import type { EvaluationBoard, Model } from "@/api/shapes";
import cards from "@/ui/cards.module.css";
import { formatBytes, formatCount } from "@/ui/numbers";
import { Panel } from "@/ui/panel";
import { JOB_STATES } from "@/ui/run-states";
import { StateBadge } from "@/ui/state-badge";
import table from "@/ui/table.module.css";
import { Time } from "@/ui/time";
import { measured } from "./measured";
import { kindText, sourceText } from "./model-words";

interface Props { projectId: string; models: Model[]; board: EvaluationBoard | undefined }

/** The project's models with what evaluations found of them. */
export function ModelsTable({ projectId, models, board }: Props) {
  const narrow = useMediaQuery("(max-width: 768px)", window.innerWidth <= 768, { getInitialValueInEffect: false });
  if (narrow) return <ModelCards projectId={projectId} models={models} board={board} />;
  return (
    <Panel flush label="Models">
      <div className={table.sideways}>
        <table className={table.table}>
          <thead>
            <tr>
              <th scope="col">Name</th><th scope="col">State</th><th scope="col">Kind</th><th scope="col">Evaluated</th><th scope="col" className={table.number}>Parameters</th>
              <th scope="col" className={table.number}>Context</th><th scope="col" className={table.number}>Size</th><th scope="col">From</th><th scope="col">Added</th>
            </tr>
          </thead>
          <tbody>
            {models.map((model) => (
              <tr key={model.id}>
                <td><Link className={table.link} to="/p/$projectId/models/$modelId" params={{ projectId, modelId: model.id }}>{model.name}</Link></td>
                <td><StateBadge look={JOB_STATES[model.state]} /></td>
                <td title={model.architecture} style={{ whiteSpace: "nowrap" }}>{kindText(model)}</td>
                <td><Figures projectId={projectId} model={model} board={board} /></td>
                <td className={table.number}>{formatCount(model.parameters)}</td>
                <td className={table.number}>{formatCount(model.context_length)}</td>
                <td className={table.number}>{formatBytes(model.size_bytes)}</td>
                <td>{model.run_id ? <Anchor component={Link} underline="always" to={`/p/${projectId}/runs/${model.run_id}/checkpoints`}>{sourceText(model)}</Anchor> : sourceText(model)}</td>
                <td style={{ color: "var(--ls-muted)", whiteSpace: "nowrap" }}><Time at={model.created_at} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

/** The table on a phone: name and state, kind and size, what was measured. */
function ModelCards({ projectId, models, board }: Props) {
  return (
    <ul className={cards.cards} aria-label="Models">
      {models.map((model) => (
        <li key={model.id} className={cards.card}>
          <div><Link className={table.link} style={{ overflowWrap: "anywhere" }} to="/p/$projectId/models/$modelId" params={{ projectId, modelId: model.id }}>{model.name}</Link><StateBadge look={JOB_STATES[model.state]} /></div>
          <div style={{ color: "var(--ls-muted)" }}><span>{kindText(model)} · {formatCount(model.parameters)}</span><span>{sourceText(model)}</span></div>
          <Figures projectId={projectId} model={model} board={board} />
        </li>
      ))}
    </ul>
  );
}

/** Each suite's newest value with its interval; it opens the evaluation. */
function Figures({ projectId, model, board }: { projectId: string; model: Model; board: EvaluationBoard | undefined }) {
  const found = measured(board, model.id);
  if (found.length === 0) return <span style={{ color: "var(--ls-muted)" }}>–</span>;
  return (
    <>
      {found.map((one) => (
        <div key={one.evaluationId} style={{ justifyContent: "start", minHeight: 24 }}>
          <Anchor component={Link} underline="always" to={`/p/${projectId}/evals/${one.evaluationId}`} title={one.help}>{one.value}</Anchor> <span style={{ color: "var(--ls-muted)" }}>{one.suite}</span>
        </div>
      ))}
    </>
  );
}
