import { Button, Group, Text, Textarea } from "@mantine/core";
import { IconCopy, IconMessage, IconPlayerStop, IconPlus, IconSend } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { modelsQuery } from "@/api/models";
import { exchangesQuery, startServing, type ChatSettings, type Verdict } from "@/api/playground";
import { useStanding } from "@/api/standing";
import classes from "@/features/playground/playground.module.css";
import { SettingsPanel } from "@/features/playground/settings-panel";
import { TurnView } from "@/features/playground/turn-view";
import { completionCurl, conversations, messagesOf, wantsVote } from "@/features/playground/turns";
import { useChat } from "@/features/playground/use-chat";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";
import { useShortcuts } from "@/ui/shortcuts";
import { toast, toastError } from "@/ui/toasts";

const HERE = "/signed-in/p/$projectId/playground";

/** Chat with a model, or with two side by side; a vote between them becomes a preference row. */
export function PlaygroundPage() {
  const { projectId } = useParams({ from: HERE });
  const { m: models = [], blind = false } = useSearch({ from: HERE });
  const navigate = useNavigate();
  const { canEdit } = useStanding(projectId);
  const library = useQuery(modelsQuery(projectId));
  const earlier = conversations(useQuery(exchangesQuery(projectId)).data ?? []);
  const chat = useChat(projectId);
  const [settings, setSettings] = useState<ChatSettings>({ temperature: 0.7, top_p: 1, max_tokens: 256 });
  const [system, setSystem] = useState("");
  const [question, setQuestion] = useState("");
  const [tint, setTint] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  useBreadcrumbs([{ label: "Playground" }]);

  const known = (library.data ?? []).filter((model) => model.state === "ready" && model.kind === "causal").map((model) => ({ value: model.id, label: model.name }));
  const choices = [...known, ...models.filter((id) => !known.some((one) => one.value === id)).map((id) => ({ value: id, label: id.startsWith("ckp_") ? `Checkpoint ${id}` : id }))];
  const go = (to: { m?: string[]; blind?: true }) => void navigate({ to: "/p/$projectId/playground", params: { projectId }, replace: true, search: { m: models, blind: blind || undefined, ...to } });
  const choose = (chosen: string[]) => {
    go({ m: chosen, blind: chosen.length === 2 && blind ? true : undefined });
    if (canEdit) for (const model of chosen) if (!models.includes(model) && !model.startsWith("run_")) startServing(projectId, model).catch(toastError);
  };
  const last = chat.turns.at(-1);
  const vote = (verdict: Verdict) => {
    if (!last || !wantsVote(last)) return;
    void chat.vote(last, verdict);
    box.current?.focus();
  };
  const send = () => {
    if (!question.trim() || models.length === 0 || chat.busy) return;
    setQuestion("");
    // The keys a, b, t and x vote only outside the box; a vote leads back into it.
    if (models.length === 2) box.current?.blur();
    void chat.ask(question, models, system, settings, blind);
  };
  const edit = (place: number) => {
    setQuestion(chat.turns[place]?.question ?? "");
    chat.cut(place);
    box.current?.focus();
  };
  useShortcuts("Playground", [
    { keys: "p", label: "Tint tokens by probability", run: () => setTint(!tint) },
    { keys: "a", label: "A is better", run: () => vote("a") }, { keys: "b", label: "B is better", run: () => vote("b") },
    { keys: "t", label: "Tie", run: () => vote("tie") }, { keys: "x", label: "Both are bad", run: () => vote("bad") },
  ]);

  if (library.error) return <PageFrame title="Playground"><FailedState error={library.error} onRetry={() => void library.refetch()} /></PageFrame>;
  if (library.isPending) return <PageFrame title="Playground"><LoadingState /></PageFrame>;
  const copy = () => {
    const text = completionCurl(window.location.origin, models[0] ?? "", messagesOf(system, chat.turns, question || last?.question || ""), settings);
    void navigator.clipboard.writeText(text).then(() => toast("Copied as curl"));
  };
  const actions = (
    <>
      <Button variant="default" leftSection={<IconCopy size={14} />} disabled={models.length === 0} onClick={copy}>Copy as curl</Button>
      <Button variant="default" leftSection={<IconPlus size={14} />} disabled={chat.turns.length === 0} onClick={chat.fresh}>New chat</Button>
    </>
  );
  return (
    <PageFrame title="Playground" actions={actions} wide>
      <div className={classes.frame}>
        <div className={classes.talk}>
          <SettingsPanel projectId={projectId} choices={choices} models={models} blind={blind} settings={settings} system={system} canEdit={canEdit} onModels={choose} onBlind={(on) => go({ blind: on ? true : undefined })} onSettings={setSettings} onSystem={setSystem} />
          {earlier.length > 0 ? (
            <Panel title="Earlier">
              <ul className={classes.earlier}>
                {earlier.slice(0, 12).map((one) => <li key={one.id}><Button variant="subtle" size="compact-sm" fullWidth justify="start" disabled={chat.busy} onClick={() => chat.show(one.id, one.exchanges)}>{one.title.slice(0, 32) || "Untitled"}</Button></li>)}
              </ul>
            </Panel>
          ) : null}
        </div>
        <div className={classes.talk}>
          {chat.turns.length === 0 ? (
            <Panel><EmptyState icon={IconMessage} title={models.length === 0 ? "Choose a model to talk to" : "Ask something"} api='POST /v1/chat/completions {"model": …, "messages": […]}'>One model answers alone. With two, both answer side by side; tick Blind, vote with a, b, t or x, and the vote becomes a preference row.</EmptyState></Panel>
          ) : null}
          {chat.turns.map((turn, place) => <TurnView key={turn.exchangeId} turn={turn} tint={tint} onVote={(verdict) => void chat.vote(turn, verdict)} onEdit={chat.busy ? undefined : () => edit(place)} />)}
          <div className={classes.ask}>
            <Textarea
              ref={box} aria-label="Question" placeholder={models.length === 0 ? "Choose a model first" : "Ask. Enter sends, shift-enter breaks the line."} autosize minRows={2} maxRows={10} value={question} disabled={models.length === 0}
              onChange={(event) => setQuestion(event.currentTarget.value)}
              onKeyDown={(event) => { if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) { event.preventDefault(); send(); } }}
            />
            <Group gap={8}>
              {chat.busy ? <Button variant="default" leftSection={<IconPlayerStop size={14} />} onClick={chat.stop}>Stop</Button> : <Button leftSection={<IconSend size={14} />} disabled={!question.trim() || models.length === 0} onClick={send}>Send</Button>}
            </Group>
          </div>
          {tint ? <Text size="xs" c="dimmed">Tinted tokens were unlikely: below 1/2, 1/5, 1/20. Press p to clear.</Text> : null}
        </div>
      </div>
    </PageFrame>
  );
}
