import type { Role } from "@/api/shapes";

/** What each role may do, from least to most. */
export const ROLES: { value: Role; label: string; may: string }[] = [
  { value: "viewer", label: "Viewer", may: "sees everything, changes nothing" },
  { value: "annotator", label: "Annotator", may: "judges answers, besides looking" },
  { value: "editor", label: "Editor", may: "launches runs, brings data and models" },
  { value: "owner", label: "Owner", may: "also decides who is in" },
];
