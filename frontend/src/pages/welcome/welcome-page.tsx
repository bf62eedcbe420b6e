import { Button, Text } from "@mantine/core";
import { IconDatabase, IconFolder, IconSparkles, IconStack2, IconUsers } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { sessionQuery } from "@/api/session";
import { standingIn } from "@/api/standing";
import { WatchItLearn } from "@/features/welcome/watch-it-learn";
import type { SessionProject } from "@/api/shapes";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { PageFrame } from "@/ui/page";
import { FirstStep } from "./first-step";
import classes from "./welcome-page.module.css";

/** The first minute: see it work, or bring one's own. */
export function WelcomePage() {
  const { data: session } = useQuery(sessionQuery);
  useBreadcrumbs([{ label: "Welcome" }]);
  const all = session?.projects ?? [];
  const projects = all.filter((project) => standingIn(session, project.id).canEdit);
  const demo = projects.find((project) => project.is_demo);
  const own = projects.find((project) => !project.is_demo) ?? demo;
  if (all.length > 0 && projects.length === 0) return <Invited name={session?.user?.name ?? ""} projects={all} />;
  return (
    <PageFrame title={`Welcome${session?.user?.name ? `, ${session.user.name}` : ""}`}>
      <Text c="dimmed" mb={16} maw={640}>Lodestar post-trains language models: bring data and a base model, choose a method and a reward, launch, and watch reward and KL live.</Text>
      <div className={classes.steps}>
        <FirstStep icon={IconSparkles} title="Watch it learn" lead text="A model of a million parameters learns to add two numbers: a short supervised warm-up, then GRPO with a reward that can be checked. First points in seconds, the whole in minutes, on this machine.">
          {demo ? <WatchItLearn projectId={demo.id} size="sm" /> : <Text c="dimmed" size="xs">No demo project here. An administrator makes one with <code>.venv/bin/lodestar demo</code>.</Text>}
        </FirstStep>
        <FirstStep icon={IconUsers} title="Let people decide" text="Sample a policy, label pairs of its answers by keys, train a reward model on the labels and learn from it. One recipe leads through all of it, and waits where people are needed.">
          {own ? <Button renderRoot={(root) => <Link to="/p/$projectId/recipes" params={{ projectId: (demo ?? own).id }} search={{ start: "rlhf" }} {...root} />} variant="default" size="sm">Open RLHF</Button> : null}
        </FirstStep>
        <FirstStep icon={IconDatabase} title="Bring data" text="Drop a JSONL, JSON, CSV or Parquet file, or name a data set of the Hub. Its shape is recognised, its columns are mapped, and three rows show how it will be read.">
          {own ? <Button component={Link} to={`/p/${own.id}/data`} variant="default" size="sm">Bring data</Button> : null}
        </FirstStep>
        <FirstStep icon={IconStack2} title="Register a model" text="Point at a directory on the workers' disk or at a name on the Hub. Weights in safetensors only; what cannot be loaded is refused with its reason.">
          {own ? <Button component={Link} to={`/p/${own.id}/models`} variant="default" size="sm">Register a model</Button> : null}
        </FirstStep>
      </div>
    </PageFrame>
  );
}

/** Who may look or judge but launches nothing is led to the projects that let them in. */
function Invited({ name, projects }: { name: string; projects: SessionProject[] }) {
  return (
    <PageFrame title={`Welcome${name ? `, ${name}` : ""}`}>
      <div className={classes.steps}>
        {projects.map((project) => (
          <FirstStep key={project.id} icon={IconFolder} title={project.name} text={project.role === "annotator" ? "You are an annotator: you judge the answers you are asked about." : "You are a viewer: you see runs, data and models as they are, and change nothing."}>
            <Button component={Link} to={`/p/${project.id}`} variant="default" size="sm">Open {project.name}</Button>
          </FirstStep>
        ))}
      </div>
    </PageFrame>
  );
}
