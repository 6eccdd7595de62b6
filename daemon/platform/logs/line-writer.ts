import { write, writeSync } from 'node:fs';

/** Characters that wait for a slow reader; what comes on top is dropped. */
const MOST_WAITING = 4 * 1024 * 1024;
/** Milliseconds until a full pipe is tried again, and for how long `flushSync` tries. */
const PAUSE_MS = 20;
const PATIENCE_MS = 1000;

export interface LineWriter {
  write(text: string): void;
  /** Writes what waits, before the process ends. */
  flushSync(): void;
}

/**
 * Writes to a file descriptor without waiting for it. What can't be written is dropped: standard output can be a closed
 * terminal or a file on a full disk, and pino's own destination never ends to flush what such a place refuses.
 */
export function lineWriter(fd: number): LineWriter {
  let waiting = '';
  /** What is written now, or next. */
  let chunk = Buffer.alloc(0);
  let isWriting = false;

  const take = (): Buffer => {
    if (chunk.length > 0 || waiting === '') return chunk;
    chunk = Buffer.from(waiting);
    waiting = '';
    return chunk;
  };
  /** @returns whether the reader has to make room first */
  const settle = (error: unknown, written: number): boolean => {
    const isFull = (error as NodeJS.ErrnoException | null)?.code === 'EAGAIN';
    if (!isFull) chunk = chunk.subarray(error === null ? written : chunk.length);
    return isFull;
  };
  const next = (): void => {
    if (isWriting || take().length === 0) return;
    isWriting = true;
    const mine = chunk;
    write(fd, mine, (error, written) => {
      isWriting = false;
      // `flushSync` may have gone on without it
      if (chunk === mine && settle(error, written)) setTimeout(next, PAUSE_MS).unref();
      else next();
    });
  };
  return {
    write(text) {
      if (waiting.length + text.length > MOST_WAITING) return;
      waiting += text;
      next();
    },
    flushSync() {
      // what is on its way is not written twice
      if (isWriting) chunk = Buffer.alloc(0);
      for (const end = performance.now() + PATIENCE_MS; take().length > 0 && performance.now() < end; )
        try {
          settle(null, writeSync(fd, chunk));
        } catch (error) {
          if (settle(error, 0)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
        }
    },
  };
}
