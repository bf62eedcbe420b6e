import { explain, Problem } from "@/api/problem";
import type { Upload } from "@/api/shapes";

/** How sending stands, for the progress line. */
export interface Sending {
  state: "sending" | "paused" | "waiting" | "done" | "failed";
  offset: number;
  size: number;
  bytesPerSecond: number | null;
  message: string;
}

/** The server, as the sender needs it. */
export interface UploadServer {
  status: (id: string) => Promise<Upload>;
  send: (id: string, offset: number, chunk: Blob, signal: AbortSignal) => Promise<Upload>;
  wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  now: () => number;
}

const MOST_TRIES = 8;

/**
 * Sends a file piece by piece. After a cut it asks the server how far it came and goes on from there; pausing keeps
 * what was sent. What the server refuses for good ends it.
 */
export class FileSender {
  private stop = new AbortController();
  private offset: number;
  private failures = 0;
  private rate: number | null = null;

  constructor(
    private readonly file: Blob,
    private readonly upload: Upload,
    private readonly server: UploadServer,
    private readonly onChange: (sending: Sending) => void,
  ) {
    this.offset = upload.offset;
  }

  /** Runs until the file is there, sending is paused, or the server refuses. */
  async run(): Promise<Upload | null> {
    this.stop = new AbortController();
    const { signal } = this.stop;
    while (!signal.aborted) {
      try {
        const reached = await this.next(signal);
        if (reached) return this.finish(reached);
      } catch (error) {
        if (signal.aborted) break;
        if (!(await this.recover(error, signal))) return null;
      }
    }
    this.tell("paused", "");
    return null;
  }

  pause(): void {
    this.stop.abort();
  }

  private async next(signal: AbortSignal): Promise<Upload | null> {
    if (this.offset >= this.file.size) return this.server.status(this.upload.id);
    this.tell("sending", "");
    const started = this.server.now();
    const chunk = this.file.slice(this.offset, this.offset + this.upload.chunk_bytes);
    const answer = await this.server.send(this.upload.id, this.offset, chunk, signal);
    this.measure(answer.offset - this.offset, this.server.now() - started);
    this.offset = answer.offset;
    this.failures = 0;
    return answer.offset >= this.file.size ? answer : null;
  }

  /** False when there is no use in trying again. */
  private async recover(error: unknown, signal: AbortSignal): Promise<boolean> {
    const refused = error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 409 && error.status !== 429 && error.status !== 408;
    this.failures += 1;
    if (refused || this.failures > MOST_TRIES) {
      this.tell("failed", explain(error));
      return false;
    }
    const wait = Math.min(15_000, 500 * 2 ** (this.failures - 1));
    this.tell("waiting", `${explain(error)} Goes on by itself in ${Math.ceil(wait / 1000)} s.`);
    await this.server.wait(wait, signal);
    const status = await this.server.status(this.upload.id).catch(() => null);
    if (status) this.offset = status.offset;
    return true;
  }

  private finish(reached: Upload): Upload {
    this.offset = this.file.size;
    this.tell("done", "");
    return reached;
  }

  private measure(bytes: number, milliseconds: number): void {
    const rate = (bytes * 1000) / Math.max(1, milliseconds);
    this.rate = this.rate === null ? rate : 0.7 * this.rate + 0.3 * rate;
  }

  private tell(state: Sending["state"], message: string): void {
    this.onChange({ state, offset: this.offset, size: this.file.size, bytesPerSecond: this.rate, message });
  }
}
