import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { sessionQuery } from "@/api/session";
import { AuditSection } from "@/features/settings/audit-section";
import { MembersSection } from "@/features/settings/members-section";
import { ProjectSection } from "@/features/settings/project-section";
import { TokensSection } from "@/features/settings/tokens-section";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { PageFrame } from "@/ui/page";

const SECTIONS = { members: "Members", tokens: "API tokens", project: "Project", audit: "Audit" };
type Section = keyof typeof SECTIONS;

export function SettingsPage() {
  const { projectId, section } = useParams({ from: "/signed-in/p/$projectId/settings/$section" });
  const navigate = useNavigate();
  const { data: session } = useQuery(sessionQuery);
  const owner = session?.projects.find((one) => one.id === projectId)?.role === "owner";
  const open: Section = section in SECTIONS ? (section as Section) : "members";
  useBreadcrumbs([{ label: "Settings" }, { label: SECTIONS[open] }]);
  return (
    <PageFrame title="Settings">
      <Tabs value={open} onChange={(value) => void navigate({ to: "/p/$projectId/settings/$section", params: { projectId, section: value ?? "members" } })} keepMounted={false}>
        <Tabs.List mb={16}>{Object.entries(SECTIONS).map(([key, title]) => <Tabs.Tab key={key} value={key}>{title}</Tabs.Tab>)}</Tabs.List>
        <Tabs.Panel value="members"><MembersSection projectId={projectId} owner={owner} me={session?.user?.id ?? ""} /></Tabs.Panel>
        <Tabs.Panel value="tokens"><TokensSection projectId={projectId} /></Tabs.Panel>
        <Tabs.Panel value="project"><ProjectSection projectId={projectId} owner={owner} /></Tabs.Panel>
        <Tabs.Panel value="audit"><AuditSection projectId={projectId} /></Tabs.Panel>
      </Tabs>
    </PageFrame>
  );
}
