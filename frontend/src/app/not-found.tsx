import { Anchor, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { PageFrame } from "@/ui/page";

export function NotFound() {
  useBreadcrumbs([{ label: "No such page" }]);
  return (
    <PageFrame title="No such page">
      <Text c="dimmed" mb={12}>The address is wrong, or the thing belongs to a project you are not a member of.</Text>
      <Anchor component={Link} to="/" underline="always">Go to your last project</Anchor>
    </PageFrame>
  );
}
