import { Button, Checkbox, Popover, ScrollArea, Stack } from "@mantine/core";
import { IconColumns } from "@tabler/icons-react";
import type { Column } from "./columns";

interface Props { all: Column[]; chosen: string[]; onChange: (ids: string[] | undefined) => void }

export function ColumnMenu({ all, chosen, onChange }: Props) {
  const toggle = (id: string) => onChange(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]);
  return (
    <Popover position="bottom-end" width={240}>
      <Popover.Target><Button variant="default" size="sm" px={12} leftSection={<IconColumns size={14} />}>Columns</Button></Popover.Target>
      <Popover.Dropdown>
        <ScrollArea.Autosize mah={360}>
          <Stack gap={8}>
            {all.map((column) => <Checkbox key={column.id} size="xs" label={column.id.startsWith("metric:") ? column.id.slice(7) : column.title} checked={chosen.includes(column.id)} onChange={() => toggle(column.id)} />)}
          </Stack>
        </ScrollArea.Autosize>
        <Button variant="subtle" size="compact-xs" mt={8} onClick={() => onChange(undefined)}>Back to the usual ones</Button>
      </Popover.Dropdown>
    </Popover>
  );
}
