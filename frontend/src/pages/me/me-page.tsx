import { SegmentedControl, Stack, Switch, Text, useMantineColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { sessionQuery } from "@/api/session";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";
import { setSingleKeys, singleKeysOn } from "@/ui/shortcuts";
import { PasswordForm } from "./password-form";
import { ProfileForm } from "./profile-form";

/** One's own name, password, theme and keys. */
export function MePage() {
  const { data: session } = useQuery(sessionQuery);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [keys, setKeys] = useState(singleKeysOn);
  useBreadcrumbs([{ label: "You" }]);
  const toggleKeys = (on: boolean) => {
    setSingleKeys(on);
    setKeys(on);
  };
  if (!session?.user) return null;
  return (
    <PageFrame title="You">
      <Stack gap={16} maw={560}>
        <Panel title="Profile"><ProfileForm key={session.user.id} user={session.user} /></Panel>
        <Panel title="Password"><PasswordForm /></Panel>
        <Panel title="Appearance and keys">
          <Stack gap={16}>
            <div>
              <Text mb={4}>Theme</Text>
              <SegmentedControl value={colorScheme} onChange={(value) => setColorScheme(value as "light" | "dark" | "auto")} aria-label="Theme" data={[{ label: "Light", value: "light" }, { label: "Dark", value: "dark" }, { label: "As the system", value: "auto" }]} />
            </div>
            <Switch checked={keys} onChange={(event) => toggleKeys(event.currentTarget.checked)} label="Single-key shortcuts" description="j, k, x, / and the like. Combinations with ctrl always work; ? lists the keys of a page." />
          </Stack>
        </Panel>
      </Stack>
    </PageFrame>
  );
}
