import { createRootRoute, createRoute, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import { sessionQuery } from "@/api/session";
import { campaignSearch, newCampaignSearch } from "@/pages/annotate/search";
import { methodsSearch } from "@/pages/methods/search";
import { newRunSearch } from "@/pages/new-run/search";
import { rewardSearch, rewardsSearch } from "@/pages/rewards/search";
import { configSearch, curvesSearch, logsSearch, rolloutsSearch } from "@/pages/run/search";
import { runsSearch } from "@/pages/runs/search";
import { choice, flag, list, search, text, whole } from "@/ui/search-params";
import { lastProject, rememberProject } from "./last-project";
import { ProjectFrame } from "./project-frame";
import { queryClient } from "./query-client";
import { Shell } from "./shell/shell";

const root = createRootRoute({ component: Outlet });

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: search({ next: text }),
  component: lazyRouteComponent(() => import("@/pages/sign-in/sign-in-page"), "SignInPage"),
});
const signInLink = createRoute({
  getParentRoute: () => root,
  path: "/sign-in/link",
  component: lazyRouteComponent(() => import("@/pages/sign-in/link-page"), "LinkPage"),
});

/** A stranger is sent to sign in and back. */
async function needPerson({ location }: { location: { href: string } }) {
  const session = await queryClient.ensureQueryData(sessionQuery);
  if (!session.user) throw redirect({ to: "/sign-in", search: { next: location.href === "/" ? undefined : location.href } });
  return { session };
}

/** Everything below needs a person and stands in the frame of sidebar and top bar. */
const signedIn = createRoute({ getParentRoute: () => root, id: "signed-in", component: Shell, beforeLoad: needPerson });

/** What fills the screen: no sidebar, and no key but its own. */
const fullScreen = createRoute({ getParentRoute: () => root, id: "full-screen", component: Outlet, beforeLoad: needPerson });
const work = createRoute({
  getParentRoute: () => fullScreen,
  path: "/p/$projectId/annotate/$campaignId/work",
  component: lazyRouteComponent(() => import("@/pages/annotate/work-page"), "WorkPage"),
});

const index = createRoute({
  getParentRoute: () => signedIn,
  path: "/",
  beforeLoad: ({ context }) => {
    const projectId = lastProject(context.session);
    throw projectId ? redirect({ to: "/p/$projectId", params: { projectId } }) : redirect({ to: "/welcome" });
  },
});
const welcome = createRoute({
  getParentRoute: () => signedIn,
  path: "/welcome",
  component: lazyRouteComponent(() => import("@/pages/welcome/welcome-page"), "WelcomePage"),
});
const me = createRoute({
  getParentRoute: () => signedIn,
  path: "/me",
  component: lazyRouteComponent(() => import("@/pages/me/me-page"), "MePage"),
});
const workers = createRoute({
  getParentRoute: () => signedIn,
  path: "/ops/workers",
  component: lazyRouteComponent(() => import("@/pages/ops/workers-page"), "WorkersPage"),
});

const project = createRoute({
  getParentRoute: () => signedIn,
  path: "/p/$projectId",
  component: ProjectFrame,
  beforeLoad: async ({ params, context }) => {
    let projects = context.session.projects;
    // Somebody may have been let in since the session was read: asked once more before the door is shut.
    if (!projects.some((one) => one.id === params.projectId)) projects = (await queryClient.fetchQuery({ ...sessionQuery, staleTime: 0 })).projects;
    if (projects.some((one) => one.id === params.projectId)) rememberProject(params.projectId);
  },
});
const home = createRoute({
  getParentRoute: () => project,
  path: "/",
  component: lazyRouteComponent(() => import("@/pages/home/home-page"), "HomePage"),
});
const runs = createRoute({
  getParentRoute: () => project,
  path: "runs",
  validateSearch: runsSearch,
  component: lazyRouteComponent(() => import("@/pages/runs/runs-page"), "RunsPage"),
});
const newRun = createRoute({
  getParentRoute: () => project,
  path: "runs/new",
  validateSearch: newRunSearch,
  component: lazyRouteComponent(() => import("@/pages/new-run/new-run-page"), "NewRunPage"),
});

const run = createRoute({
  getParentRoute: () => project,
  path: "runs/$runId",
  component: lazyRouteComponent(() => import("@/pages/run/run-page"), "RunPage"),
});
const runIndex = createRoute({
  getParentRoute: () => run,
  path: "/",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/p/$projectId/runs/$runId/curves", params, replace: true });
  },
});
const curves = createRoute({
  getParentRoute: () => run,
  path: "curves",
  validateSearch: curvesSearch,
  component: lazyRouteComponent(() => import("@/pages/run/curves-tab"), "CurvesTab"),
});
const rollouts = createRoute({
  getParentRoute: () => run,
  path: "rollouts",
  validateSearch: rolloutsSearch,
  component: lazyRouteComponent(() => import("@/pages/run/rollouts-tab"), "RolloutsTab"),
});
const logs = createRoute({
  getParentRoute: () => run,
  path: "logs",
  validateSearch: logsSearch,
  component: lazyRouteComponent(() => import("@/pages/run/logs-tab"), "LogsTab"),
});
const system = createRoute({
  getParentRoute: () => run,
  path: "system",
  validateSearch: curvesSearch,
  component: lazyRouteComponent(() => import("@/pages/run/system-tab"), "SystemTab"),
});
const checkpoints = createRoute({
  getParentRoute: () => run,
  path: "checkpoints",
  component: lazyRouteComponent(() => import("@/pages/run/checkpoints-tab"), "CheckpointsTab"),
});
const report = createRoute({
  getParentRoute: () => run,
  path: "report",
  component: lazyRouteComponent(() => import("@/pages/run/report-tab"), "ReportTab"),
});
const lineage = createRoute({
  getParentRoute: () => run,
  path: "lineage",
  component: lazyRouteComponent(() => import("@/pages/run/lineage-tab"), "LineageTab"),
});
const config = createRoute({
  getParentRoute: () => run,
  path: "config",
  validateSearch: configSearch,
  component: lazyRouteComponent(() => import("@/pages/run/config-tab"), "ConfigTab"),
});

const data = createRoute({
  getParentRoute: () => project,
  path: "data",
  validateSearch: search({ q: text, upload: text }),
  component: lazyRouteComponent(() => import("@/pages/data/data-page"), "DataPage"),
});
const dataset = createRoute({
  getParentRoute: () => project,
  path: "data/$datasetId/v/$version/$tab",
  validateSearch: search({ q: text, row: whole, split: text, model: text }),
  component: lazyRouteComponent(() => import("@/pages/data/dataset-page"), "DatasetPage"),
});
const datasetIndex = createRoute({
  getParentRoute: () => project,
  path: "data/$datasetId",
  component: lazyRouteComponent(() => import("@/pages/data/dataset-page"), "DatasetPage"),
});

const rewards = createRoute({
  getParentRoute: () => project,
  path: "rewards",
  validateSearch: rewardsSearch,
  component: lazyRouteComponent(() => import("@/pages/rewards/rewards-page"), "RewardsPage"),
});
const newReward = createRoute({
  getParentRoute: () => project,
  path: "rewards/new",
  validateSearch: rewardSearch,
  component: lazyRouteComponent(() => import("@/pages/rewards/reward-page"), "RewardPage"),
});
const reward = createRoute({
  getParentRoute: () => project,
  path: "rewards/$rewardId/v/$version/$tab",
  validateSearch: rewardSearch,
  component: lazyRouteComponent(() => import("@/pages/rewards/reward-page"), "RewardPage"),
});
const rewardIndex = createRoute({
  getParentRoute: () => project,
  path: "rewards/$rewardId",
  validateSearch: rewardSearch,
  component: lazyRouteComponent(() => import("@/pages/rewards/reward-page"), "RewardPage"),
});

const models = createRoute({
  getParentRoute: () => project,
  path: "models",
  validateSearch: search({ q: text }),
  component: lazyRouteComponent(() => import("@/pages/models/models-page"), "ModelsPage"),
});
const model = createRoute({
  getParentRoute: () => project,
  path: "models/$modelId",
  component: lazyRouteComponent(() => import("@/pages/models/model-page"), "ModelPage"),
});
const evals = createRoute({
  getParentRoute: () => project,
  path: "evals",
  validateSearch: search({ q: text, sel: list }),
  component: lazyRouteComponent(() => import("@/pages/evals/evals-page"), "EvalsPage"),
});
const newEvaluation = createRoute({
  getParentRoute: () => project,
  path: "evals/new",
  validateSearch: search({ method: text, models: list, reward: text }),
  component: lazyRouteComponent(() => import("@/pages/evals/new-evaluation-page"), "NewEvaluationPage"),
});
const evaluation = createRoute({
  getParentRoute: () => project,
  path: "evals/$evaluationId",
  validateSearch: search({ against: text, items: choice(["all", "right", "wrong", "flipped", "gained", "lost"]), metric: text, q: text }),
  component: lazyRouteComponent(() => import("@/pages/evals/evaluation-page"), "EvaluationPage"),
});
const annotate = createRoute({
  getParentRoute: () => project,
  path: "annotate",
  component: lazyRouteComponent(() => import("@/pages/annotate/annotate-page"), "AnnotatePage"),
});
const newCampaign = createRoute({
  getParentRoute: () => project,
  path: "annotate/new",
  validateSearch: newCampaignSearch,
  component: lazyRouteComponent(() => import("@/pages/annotate/new-campaign-page"), "NewCampaignPage"),
});
const campaignIndex = createRoute({
  getParentRoute: () => project,
  path: "annotate/$campaignId",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/p/$projectId/annotate/$campaignId/$tab", params: { ...params, tab: "overview" }, replace: true });
  },
});
const campaign = createRoute({
  getParentRoute: () => project,
  path: "annotate/$campaignId/$tab",
  validateSearch: campaignSearch,
  component: lazyRouteComponent(() => import("@/pages/annotate/campaign-page"), "CampaignPage"),
});

const recipes = createRoute({
  getParentRoute: () => project,
  path: "recipes",
  validateSearch: search({ start: text }),
  component: lazyRouteComponent(() => import("@/pages/recipes/recipes-page"), "RecipesPage"),
});
const recipeRun = createRoute({
  getParentRoute: () => project,
  path: "recipes/$recipeRunId",
  validateSearch: search({ node: text }),
  component: lazyRouteComponent(() => import("@/pages/recipes/recipe-run-page"), "RecipeRunPage"),
});
const methods = createRoute({
  getParentRoute: () => project,
  path: "methods",
  validateSearch: methodsSearch,
  component: lazyRouteComponent(() => import("@/pages/methods/methods-page"), "MethodsPage"),
});
const method = createRoute({
  getParentRoute: () => project,
  path: "methods/$slug",
  component: lazyRouteComponent(() => import("@/pages/methods/method-page"), "MethodPage"),
});
const playground = createRoute({
  getParentRoute: () => project,
  path: "playground",
  validateSearch: search({ m: list, blind: flag }),
  component: lazyRouteComponent(() => import("@/pages/playground/playground-page"), "PlaygroundPage"),
});
const settings = createRoute({
  getParentRoute: () => project,
  path: "settings/$section",
  component: lazyRouteComponent(() => import("@/pages/settings/settings-page"), "SettingsPage"),
});

export const routeTree = root.addChildren([
  signIn,
  signInLink,
  fullScreen.addChildren([work]),
  signedIn.addChildren([
    index,
    welcome,
    me,
    workers,
    project.addChildren([
      home, runs, newRun, data, dataset, datasetIndex, rewards, newReward, reward, rewardIndex, models, model, playground, evals, newEvaluation, evaluation, recipes, recipeRun, methods, method, settings,
      annotate, newCampaign, campaignIndex, campaign,
      run.addChildren([runIndex, curves, rollouts, logs, system, checkpoints, report, config, lineage]),
    ]),
  ]),
]);
