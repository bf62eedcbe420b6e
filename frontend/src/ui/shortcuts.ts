/** Single-key shortcuts: one listener, sequences such as "g r", asleep in text fields, listed by the `?` sheet. */

import { useEffect, useRef, useSyncExternalStore } from "react";

export interface Shortcut { keys: string; label: string; run: () => void }
export interface ShortcutGroup { name: string; shortcuts: Shortcut[] }

const SETTING = "lodestar.single-keys";
const SEQUENCE_MS = 900;
let groups: ShortcutGroup[] = [];
const listeners = new Set<() => void>();
let typed: string[] = [];
let typedAt = 0;

/** Offers these shortcuts while the component is mounted. Later groups win over earlier ones. */
export function useShortcuts(name: string, shortcuts: Shortcut[]): void {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  const signature = shortcuts.map((shortcut) => `${shortcut.keys}=${shortcut.label}`).join("|");
  useEffect(() => {
    const group: ShortcutGroup = {
      name,
      shortcuts: latest.current.map(({ keys, label }) => ({ keys, label, run: () => latest.current.find((one) => one.keys === keys)?.run() })),
    };
    change([...groups, group]);
    return () => change(groups.filter((one) => one !== group));
  }, [name, signature]);
}

/** What this page offers, for the `?` sheet. */
export function useShortcutGroups(): ShortcutGroup[] {
  return useSyncExternalStore(subscribe, () => groups);
}

export function singleKeysOn(): boolean {
  return localStorage.getItem(SETTING) !== "off";
}

export function setSingleKeys(on: boolean): void {
  localStorage.setItem(SETTING, on ? "on" : "off");
}

/** The shortcut that `typed` completes, and whether some longer one still starts with it. */
export function match(all: ShortcutGroup[], keys: string[]): { found: Shortcut | null; open: boolean } {
  const wanted = keys.join(" ");
  const flat = all.toReversed().flatMap((group) => group.shortcuts);
  return { found: flat.find((one) => one.keys === wanted) ?? null, open: flat.some((one) => one.keys.startsWith(`${wanted} `)) };
}

/** How a key press is written: "ctrl+enter", "g", "?", "shift+x" is "X". */
export function keyName(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">): string {
  const key = event.key.length === 1 ? event.key : event.key.toLowerCase();
  return `${event.ctrlKey || event.metaKey ? "ctrl+" : ""}${event.altKey ? "alt+" : ""}${key}`;
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.key === "Shift" || event.key === "Control" || event.key === "Meta" || event.key === "Alt") return;
  const name = keyName(event);
  const plain = !name.startsWith("ctrl+") && !name.startsWith("alt+");
  if (name === "ctrl+z" && isTyping(event.target)) return;
  if (plain && (!singleKeysOn() || isTyping(event.target) || isActivation(event))) return;
  if (event.timeStamp - typedAt > SEQUENCE_MS) typed = [];
  typedAt = event.timeStamp;
  const longer = match(groups, [...typed, name]);
  const hit = longer.found || longer.open ? longer : match(groups, [name]);
  typed = hit.open && !hit.found ? (longer.open ? [...typed, name] : [name]) : [];
  if (hit.found) {
    event.preventDefault();
    hit.found.run();
  }
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "range"].includes(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** Enter and space keep their meaning on links, buttons and in menus. */
export function isActivation(event: KeyboardEvent): boolean {
  if (event.key !== "Enter" && event.key !== " ") return false;
  return event.target instanceof Element && event.target.closest("a, button, [role=menuitem], [role=option], [role=dialog], summary") !== null;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function change(next: ShortcutGroup[]): void {
  groups = next;
  for (const listener of listeners) listener();
}

if (typeof document !== "undefined") document.addEventListener("keydown", onKey);
