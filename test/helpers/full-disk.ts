import { writeFileSync } from 'node:fs';
import type { Answer } from './daemon.ts';

/** Writes to the file until its disk is full. */
export function fillDisk(file: string): void {
  for (let size = 1 << 20; size >= 512; size /= 2) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}

/** What matters of an answer of a daemon on such a disk. */
export const outcome = ({ status, body }: Answer) => ({ status, code: body?.code ?? null });
