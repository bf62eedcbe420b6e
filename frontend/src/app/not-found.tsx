import { Anchor } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { EmptyState } from "@/ui/empty-state";

export function NotFound() {
  return (
    <EmptyState icon={IconMapOff} title="No such page" action={<Anchor component={Link} to="/">Go to the last project</Anchor>}>
      The address is wrong, or the thing belongs to a project you are not a member of.
    </EmptyState>
  );
}
