import { useEffect, useState } from "react";
import { isActivation, isTyping, singleKeysOn } from "./shortcuts";

/** Whether a key is being held down, while single keys are on and nobody types. Let go, or the window left: it is not. */
export function useHeldKey(key: string): boolean {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    const down = (event: KeyboardEvent): void => {
      if (event.key !== key || event.ctrlKey || event.metaKey || event.altKey || !singleKeysOn() || isTyping(event.target) || isActivation(event)) return;
      event.preventDefault();
      setHeld(true);
    };
    const up = (event: KeyboardEvent): void => {
      if (event.key === key) setHeld(false);
    };
    const leave = (): void => setHeld(false);
    document.addEventListener("keydown", down);
    document.addEventListener("keyup", up);
    window.addEventListener("blur", leave);
    return () => {
      document.removeEventListener("keydown", down);
      document.removeEventListener("keyup", up);
      window.removeEventListener("blur", leave);
    };
  }, [key]);
  return held;
}
