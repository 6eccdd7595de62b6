import { fstatSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Background } from '#daemon/platform/background.ts';
import type { DataDir } from '#daemon/platform/data-dir.ts';
import { writeAtomicallySync } from '#shared/files/atomic-file.ts';
import type { FirstStart } from './first-start.ts';

const KEPT_MS = 24 * 3_600_000;

/**
 * Is the output kept where others can read it? systemd names the journal's stream in JOURNAL_STREAM (systemd.exec(5)), and
 * `container` in containers (systemd's CONTAINER_INTERFACE), whose engines keep the output.
 * @param descriptor an open file
 */
export function isKeptOutput(env: Readonly<Record<string, string | undefined>>, descriptor = 1): boolean {
  if (env['container']) return true;
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  return env['JOURNAL_STREAM'] === `${dev}:${ino}`;
}

/** The first token and the set-up link in files that only the daemon's user and root can read, instead of the output. */
export class FirstCredentials {
  readonly token: string;
  readonly link: string;

  constructor({ data }: Pick<DataDir, 'data'>) {
    this.token = path.join(data, 'first-token');
    this.link = path.join(data, 'setup-link');
  }

  /** Writes what there is, for a day. A token of an earlier start stays until then; an old link is replaced. */
  write({ token, setup }: Pick<FirstStart, 'token' | 'setup'>): void {
    if (token !== null) writeAtomicallySync(this.token, `${token}\n`);
    if (setup !== null) writeAtomicallySync(this.link, `${setup.url}\n`);
    else rmSync(this.link, { force: true });
  }

  /** Removes the files a day after they were written. */
  keepForADay(background: Background): void {
    background.every(
      'first credentials',
      KEPT_MS / 24,
      () => {
        for (const file of [this.token, this.link]) {
          const info = statSync(file, { throwIfNoEntry: false });
          if (info !== undefined && Date.now() - info.mtimeMs > KEPT_MS) rmSync(file, { force: true });
        }
      },
      { first: 0 },
    );
  }
}
