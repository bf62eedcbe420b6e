import { IconChecklist } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "@/api/session";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";

/** What an annotator sees of a project: the tasks that wait for a judgement, and nothing that is not theirs. */
export function AnnotatorHome({ projectId }: { projectId: string }) {
  const { data: session } = useQuery(sessionQuery);
  const name = session?.projects.find((one) => one.id === projectId)?.name ?? "Annotate";
  useBreadcrumbs([{ label: name }, { label: "Annotate" }], "Annotate");
  return (
    <PageFrame title="Annotate">
      <Panel>
        <EmptyState icon={IconChecklist} title="Nothing waits for your judgement">
          You are an annotator of {name}: answers of a model that somebody asks you to compare or to rate appear here. Nothing has been asked yet. To look at runs and data, ask an owner of the project for the viewer or editor role.
        </EmptyState>
      </Panel>
    </PageFrame>
  );
}
