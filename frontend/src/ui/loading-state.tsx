import { Skeleton, Stack } from "@mantine/core";
import { useEffect, useState } from "react";

/** A skeleton of rows that appears only when loading takes longer than 200 ms. */
export function LoadingState({ rows = 6, height = 28 }: { rows?: number; height?: number }) {
  const late = useLate(200);
  return (
    <Stack gap={8} aria-busy aria-label="Loading" role="status" mih={rows * (height + 8)}>
      {late ? Array.from({ length: rows }, (_, index) => <Skeleton key={index} height={height} radius={4} />) : null}
    </Stack>
  );
}

/** False until `milliseconds` have passed, so that fast answers never flash a skeleton. */
export function useLate(milliseconds: number): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setLate(true), milliseconds);
    return () => window.clearTimeout(timer);
  }, [milliseconds]);
  return late;
}
