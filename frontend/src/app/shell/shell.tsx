import { AppShell } from "@mantine/core";
import { useLocalStorage, useMediaQuery } from "@mantine/hooks";
import { Outlet, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useStanding } from "@/api/standing";
import { useShortcuts } from "@/ui/shortcuts";
import { toast, toastError, undoLast } from "@/ui/toasts";
import { apiRoute, asCurl } from "./as-curl";
import { BottomBar } from "./bottom-bar";
import { operations, places } from "./places";
import classes from "./shell.module.css";
import { Sidebar } from "./sidebar";
import { TopBar } from "./top-bar";
import { useProject } from "./use-project";
import { useProjectSocket } from "./use-project-socket";

const Palette = lazy(() => import("./palette").then((module) => ({ default: module.Palette })));
const ShortcutSheet = lazy(() => import("./shortcut-sheet").then((module) => ({ default: module.ShortcutSheet })));

function copy(text: string, said: string): void {
  navigator.clipboard.writeText(text).then(() => toast(said), toastError);
}

function copyCurl(): void {
  const route = apiRoute(location.pathname, location.search);
  if (route) copy(asCurl(location.origin, route), `Copied as curl: GET /api/v1${route}`);
}

/** The frame of every page for people who are signed in. */
export function Shell() {
  const [folded, setFolded] = useLocalStorage({ key: "lodestar.folded", defaultValue: false, getInitialValueInEffect: false });
  const narrow = useMediaQuery("(max-width: 768px)", window.innerWidth <= 768, { getInitialValueInEffect: false });
  const [palette, setPalette] = useState<"all" | "actions" | null>(null);
  const [sheetOpen, setSheetOpen] = useState(false);
  const { projectId } = useProject();
  const { canEdit, onlyAnnotates } = useStanding(projectId);
  const navigate = useNavigate();
  useProjectSocket(onlyAnnotates ? null : projectId);
  useShortcuts("Everywhere", [
    { keys: "ctrl+k", label: "Search and commands", run: () => setPalette("all") },
    { keys: ".", label: "Actions of this page", run: () => setPalette("actions") },
    { keys: "ctrl+z", label: "Undo", run: undoLast },
    { keys: "?", label: "Keys of this page", run: () => setSheetOpen(true) },
    { keys: "\\", label: "Fold the sidebar", run: () => setFolded(!folded) },
    { keys: "y", label: "Copy the link", run: () => copy(location.href, "Copied the link to this view") },
    { keys: "Y", label: "Copy as curl", run: () => copyCurl() },
    ...[...places(projectId, onlyAnnotates), ...operations(projectId, onlyAnnotates)].map((place) => ({
      keys: `g ${place.key}`, label: `Go to ${place.label}`, run: () => void navigate({ to: place.to }),
    })),
    ...(projectId && canEdit ? [{ keys: "n", label: "New run", run: () => void navigate({ to: "/p/$projectId/runs/new", params: { projectId } }) }] : []),
  ]);
  return (
    <AppShell
      header={{ height: 48 }}
      navbar={{ width: folded ? 52 : 220, breakpoint: 768, collapsed: { mobile: true } }}
      footer={{ height: 56, collapsed: !narrow }}
      padding={0}
      transitionDuration={120}
      classNames={{ root: classes.root, header: classes.header, navbar: classes.navbar, main: classes.main, footer: classes.footer }}
    >
      <a href="#content" className={classes.skip}>Skip to content</a>
      <AppShell.Header><TopBar onSearch={() => setPalette("all")} onKeys={() => setSheetOpen(true)} /></AppShell.Header>
      {narrow ? null : <AppShell.Navbar><Sidebar folded={folded} onFold={() => setFolded(!folded)} /></AppShell.Navbar>}
      <AppShell.Main id="content" tabIndex={-1}><Outlet /></AppShell.Main>
      {narrow ? <AppShell.Footer><BottomBar /></AppShell.Footer> : null}
      <Suspense>
        {palette ? <Palette projectId={projectId} actionsOnly={palette === "actions"} onClose={() => setPalette(null)} /> : null}
        {sheetOpen ? <ShortcutSheet onClose={() => setSheetOpen(false)} /> : null}
      </Suspense>
    </AppShell>
  );
}
