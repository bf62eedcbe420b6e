import { Table } from "@mantine/core";
import type { Inspection } from "@/api/shapes";

/** The file's first rows as they stand in it, for who has to say what they are. */
export function RawRows({ inspection }: { inspection: Inspection }) {
  const names = inspection.columns.map((column) => column.name);
  return (
    <Table.ScrollContainer minWidth={Math.min(names.length, 6) * 140}>
      <Table verticalSpacing={6} horizontalSpacing={12} withTableBorder>
        <Table.Thead><Table.Tr>{names.map((name) => <Table.Th key={name}>{name}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>
          {inspection.preview.slice(0, ROWS).map((row, index) => (
            <Table.Tr key={index}>{names.map((name) => <Table.Td key={name} ff="monospace" fz={12} style={{ overflowWrap: "anywhere", minWidth: 120 }}>{shown(row[name])}</Table.Td>)}</Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

const ROWS = 6;
const MOST = 240;

function shown(value: unknown): string {
  const text = value === null || value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}
