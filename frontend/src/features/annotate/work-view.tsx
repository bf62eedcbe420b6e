import { ActionIcon, Alert, Button, Kbd, Progress, Text, Textarea, Tooltip, VisuallyHidden } from "@mantine/core";
import { IconArrowBackUp, IconArrowsDiff, IconFlag, IconFlagFilled, IconHelp, IconMessage, IconPlayerSkipForward, IconX, type Icon } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Campaign } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { useShortcuts } from "@/ui/shortcuts";
import classes from "./annotate.module.css";
import { Guidelines } from "./guidelines";
import type { OutboxState } from "./outbox";
import { PairView } from "./pair-view";
import { useWork, type Work } from "./use-work";
import { VerdictBar } from "./verdict-bar";
import { choicesOf } from "./verdicts";
import { WorkDone } from "./work-done";

const COMMENT = "comment-on-pair";

/** The annotator's screen: one pair, one key, the next pair. */
export function WorkView({ campaign, userId }: { campaign: Campaign; userId: string }) {
  const work = useWork(campaign, userId);
  const navigate = useNavigate();
  const [diff, setDiff] = useState(false);
  const [help, setHelp] = useState(campaign.guidelines !== "" && campaign.mine === 0);
  const leave = (): void => void navigate({ to: "/p/$projectId/annotate", params: { projectId: campaign.project_id } });
  const aside = [
    { keys: "s", label: "Skip", icon: IconPlayerSkipForward, run: () => work.judge("skip", "skipped") },
    { keys: "f", label: work.remark.flagged ? "Flagged" : "Flag", icon: work.remark.flagged ? IconFlagFilled : IconFlag, run: () => work.setRemark({ flagged: !work.remark.flagged }), pressed: work.remark.flagged },
    { keys: "c", label: "Comment", icon: IconMessage, run: () => document.getElementById(COMMENT)?.focus() },
    { keys: "u", label: "Undo", icon: IconArrowBackUp, run: work.undo },
    { keys: "d", label: "Difference", icon: IconArrowsDiff, run: () => setDiff(!diff), pressed: diff },
  ];
  useShortcuts("Annotate", [
    ...choicesOf(campaign).map(({ verdict, key, label }) => ({ keys: key, label, run: () => work.judge(verdict, label) })),
    ...aside.map(({ keys, label, run }) => ({ keys, label, run })),
    { keys: "h", label: "Guidelines and keys", run: () => setHelp(!help) },
    { keys: "?", label: "Guidelines and keys", run: () => setHelp(!help) },
    { keys: "escape", label: "Leave", run: () => (help ? setHelp(false) : leave()) },
  ]);
  return (
    <div className={classes.screen}>
      <header className={classes.top}>
        <h1 className={classes.name}><bdi>{campaign.name}</bdi></h1>
        <HowFar work={work} />
        <SavedMark outbox={work.outbox} />
        <Tooltip label="Guidelines and keys  h"><ActionIcon aria-label="Guidelines and keys" aria-expanded={help} onClick={() => setHelp(!help)}><IconHelp size={18} /></ActionIcon></Tooltip>
        <Tooltip label="Leave  esc"><ActionIcon aria-label="Leave" onClick={leave}><IconX size={18} /></ActionIcon></Tooltip>
      </header>
      <main className={classes.middle}>
        <VisuallyHidden role="status">{work.said}</VisuallyHidden>
        {help ? <Help campaign={campaign} keys={aside} onClose={() => setHelp(false)} /> : null}
        <NotCounted outbox={work.outbox} onDismiss={work.dismiss} />
        {work.task ? <PairView key={work.task.id} pair={work.task} question={campaign.question} diff={diff} /> : null}
        {!work.task && work.error ? <FailedState error={work.error} onRetry={work.retry} what="The next pairs" /> : null}
        {!work.task && !work.error ? (work.nothingLeft ? <WorkDone campaign={campaign} progress={work.progress} waiting={work.outbox.waiting.length} onLeave={leave} onUndo={work.undo} /> : <LoadingState rows={8} />) : null}
      </main>
      <footer className={classes.bottom}>
        <VerdictBar campaign={campaign} disabled={!work.task} onVerdict={work.judge} />
        <div className={classes.aside}>
          {aside.map(({ keys, label, icon, run, pressed }) => <Aside key={keys} keys={keys} label={label} icon={icon} pressed={pressed} disabled={!work.task && keys !== "u"} onClick={run} />)}
          <Textarea
            id={COMMENT} className={classes.comment} autosize minRows={1} maxRows={4} maxLength={5000} aria-label="Comment on this pair" placeholder="Comment on this pair; esc goes back to the keys" disabled={!work.task}
            value={work.remark.comment} onChange={(event) => work.setRemark({ comment: event.currentTarget.value })}
            onKeyDown={(event) => {
              if (event.key !== "Escape" && !(event.key === "Enter" && (event.ctrlKey || event.metaKey))) return;
              event.preventDefault();
              event.stopPropagation();
              event.currentTarget.blur();
            }}
          />
        </div>
      </footer>
    </div>
  );
}

function HowFar({ work }: { work: Work }) {
  if (!work.progress) return <span className={classes.far} />;
  const { done, tasks, mine } = work.progress;
  return (
    <span className={classes.far}>
      <Progress value={tasks ? (100 * done) / tasks : 0} size={6} w={96} aria-label="Pairs done" className={classes.wideOnly} />
      <span>{done}/{tasks}<span className={classes.wideOnly}> · {mine} by you</span></span>
    </span>
  );
}

/** "saved ✓", or how many judgments wait for the network. */
function SavedMark({ outbox }: { outbox: OutboxState }) {
  const count = outbox.waiting.length;
  if (count === 0) return <span className={classes.saved} role="status">saved ✓</span>;
  return <span className={classes.waiting} role="status" data-stuck={outbox.stuck || undefined}>{count} waiting{outbox.stuck ? ", kept in this browser" : ""}</span>;
}

function Aside({ keys, label, icon: Glyph, pressed, disabled, onClick }: { keys: string; label: string; icon: Icon; pressed?: boolean; disabled: boolean; onClick: () => void }) {
  return (
    <Button variant={pressed ? "light" : "subtle"} color={pressed ? undefined : "var(--ls-muted)"} size="compact-md" className={classes.asideButton} aria-keyshortcuts={keys} aria-pressed={pressed} disabled={disabled} leftSection={<Glyph size={16} aria-hidden />} onClick={onClick}>
      <span className={classes.asideWords}>{label}</span>&nbsp;<Kbd size="xs" aria-hidden className={classes.key}>{keys}</Kbd>
    </Button>
  );
}

/** Judgments that the server did not count: why, and the text that somebody wrote with them. */
function NotCounted({ outbox, onDismiss }: { outbox: OutboxState; onDismiss: (clientId: string) => void }) {
  return outbox.refused.map((one) => (
    <Alert key={one.client_id} color="var(--ls-warn)" title="One judgment was not counted" withCloseButton closeButtonLabel="I have read it" onClose={() => onDismiss(one.client_id)} mb={8}>
      <Text>{one.refusal}</Text>
      {one.comment ? <Text mt={4} style={{ whiteSpace: "pre-wrap" }}><Text span c="dimmed">You wrote: </Text><bdi>{one.comment}</bdi></Text> : null}
    </Alert>
  ));
}

function Help({ campaign, keys, onClose }: { campaign: Campaign; keys: { keys: string; label: string }[]; onClose: () => void }) {
  return (
    <section className={classes.help} aria-label="Guidelines">
      <div className={classes.helpHead}><h2>Guidelines</h2><ActionIcon aria-label="Close the guidelines" onClick={onClose}><IconX size={16} /></ActionIcon></div>
      {campaign.guidelines ? <Guidelines text={campaign.guidelines} /> : <Text c="dimmed">None were written. {campaign.question}</Text>}
      <dl className={classes.keys}>
        {[...choicesOf(campaign).map(({ key, label }) => ({ keys: key, label })), ...keys, { keys: "h", label: "Guidelines" }, { keys: "esc", label: "Leave" }].map((one) => <div key={one.keys}><dt><Kbd size="xs">{one.keys}</Kbd></dt><dd>{one.label}</dd></div>)}
      </dl>
    </section>
  );
}
