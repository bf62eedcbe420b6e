import { Text, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import type { MethodCard, RecordKind } from "@/api/shapes";
import { findMethods } from "@/api/find-methods";
import { fitsData } from "./readiness";
import { GalleryCard } from "./gallery-card";
import classes from "./method-gallery.module.css";

interface Props { methods: MethodCard[]; missing: string[]; chosen: string; dataKind: RecordKind | null; onChoose: (slug: string) => void }

/** All methods as cards; with data chosen, those that can use it come first. */
export function MethodGallery({ methods, missing, chosen, dataKind, onChoose }: Props) {
  const [query, setQuery] = useState("");
  const found = findMethods(methods, { q: query });
  const sorted = found.toSorted((a, b) => Number(fitsData(b, dataKind)) - Number(fitsData(a, dataKind)));
  return (
    <div className={classes.gallery}>
      <TextInput
        value={query} onChange={(event) => setQuery(event.currentTarget.value)} leftSection={<IconSearch size={14} />} data-filter
        placeholder={`Search ${methods.length} ${methods.length === 1 ? "method" : "methods"}`} aria-label="Search methods"
      />
      <div role="radiogroup" aria-label="Method" className={classes.cards}>
        {sorted.map((card) => (
          <GalleryCard key={card.slug} card={card} chosen={card.slug === chosen} fits={fitsData(card, dataKind)} hasWorker={!missing.includes(card.slug)} onChoose={() => onChoose(card.slug)} />
        ))}
      </div>
      {found.length === 0 ? <Text c="dimmed">No method is called that. Clear the search to see all {methods.length}.</Text> : null}
    </div>
  );
}
