import { useEffect, useRef, useState } from "react";
import { dropUpload, getUpload, sendChunk, startUpload } from "@/api/datasets";
import { explain } from "@/api/problem";
import type { Upload } from "@/api/shapes";
import { FileSender, type Sending } from "./file-sender";

const server = {
  status: getUpload,
  send: sendChunk,
  wait: (milliseconds: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); });
    }),
  now: () => performance.now(),
};

export interface FileUpload {
  filename: string;
  upload: Upload | null;
  sending: Sending;
  pause: () => void;
  resume: () => void;
  discard: () => void;
}

/** Sends one file at a time; what arrived stays on the server until it is used or discarded. */
export function useUpload(projectId: string): { current: FileUpload | null; begin: (file: File) => void; clear: () => void } {
  const [state, setState] = useState<{ filename: string; upload: Upload | null; sending: Sending } | null>(null);
  const sender = useRef<FileSender | null>(null);
  useEffect(() => () => sender.current?.pause(), []);

  const run = async (): Promise<void> => {
    const reached = await sender.current?.run();
    if (reached) setState((old) => old && { ...old, upload: reached });
  };
  const begin = (file: File): void => {
    const first: Sending = { state: "sending", offset: 0, size: file.size, bytesPerSecond: null, message: "" };
    setState({ filename: file.name, upload: null, sending: first });
    startUpload(projectId, file.name, file.size).then(
      (upload) => {
        setState((old) => old && { ...old, upload });
        sender.current = new FileSender(file, upload, server, (sending) => setState((old) => old && { ...old, sending }));
        void run();
      },
      (error: unknown) => setState((old) => old && { ...old, sending: { ...first, state: "failed", message: explain(error) } }),
    );
  };
  const clear = (): void => {
    sender.current?.pause();
    sender.current = null;
    setState(null);
  };
  const current = state && {
    ...state,
    pause: () => sender.current?.pause(),
    resume: () => void run(),
    discard: () => {
      const id = state.upload?.id;
      clear();
      if (id) void dropUpload(id).catch(ignoreLeftover);
    },
  };
  return { current, begin, clear };
}

function ignoreLeftover(): void {
  // The server clears uploads nobody used.
}
