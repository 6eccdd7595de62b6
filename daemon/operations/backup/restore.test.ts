import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ROOT, temporaryDir } from '#test/helpers/daemon.ts';
import { applyRestore, prepareRestore, stagedFolder } from './restore.ts';

/** Exchanges the files, and kills itself before the file operation of the given number. */
const APPLY = `
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
const [dir, killAt] = [process.argv[1], Number(process.argv[2])];
const { applyRestore } = await import('#daemon/operations/backup/restore.ts');
let count = 0;
for (const call of ['mkdir', 'rename', 'open', 'readdir', 'rm', 'rmdir']) {
  const original = fsp[call];
  fsp[call] = (...args) => {
    if (++count === killAt) process.kill(process.pid, 'SIGKILL');
    return original.apply(fsp, args);
  };
}
syncBuiltinESMExports();
await applyRestore(dir);
`;

async function write(folder: string, files: Record<string, string>): Promise<void> {
  for (const [place, text] of Object.entries(files)) {
    await mkdir(path.join(folder, path.dirname(place)), { recursive: true });
    await writeFile(path.join(folder, place), text);
  }
}
const read = (file: string) => readFile(file, 'utf8').catch(() => null);

test('a restore that is killed before any of its file operations is finished by the next start', async (t) => {
  let killed = 0;
  // every third operation: each costs a process
  for (let killAt = 1; ; killAt += 3) {
    const dir = await temporaryDir(t);
    await write(dir, {
      'data/streamhub.db': 'old registry',
      'data/streamhub.db-wal': 'old log',
      'data/daemon.lock': 'lock',
      'apps/live/app.db': 'old rows',
      'apps/live/recordings/one.mp4': 'a film',
      'apps/later/app.db': 'later rows',
      'logs/streamhub.log': 'old lines',
      'backups/b': 'a backup',
    });
    await write(stagedFolder(dir), {
      'data/streamhub.db': 'new registry',
      'apps/live/app.db': 'new rows',
      'streamhub.env': 'PORT=1',
    });
    await mkdir(path.join(stagedFolder(dir), 'apps/live/recordings'));
    await prepareRestore(dir, 'b', {
      createdAt: '2026-01-01T00:00:00.000Z',
      includes: { recordings: false, logs: false },
    } as Parameters<typeof prepareRestore>[2]);
    const { signal, status, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', APPLY, dir, String(killAt)],
      { encoding: 'utf8', cwd: ROOT },
    );
    assert.ok(signal === 'SIGKILL' || status === 0, stderr);
    if (signal === 'SIGKILL') killed += 1;
    await applyRestore(dir);
    const [kept = ''] = await readdir(path.join(dir, 'replaced'));
    const found = Object.fromEntries(
      await Promise.all(
        [
          'data/streamhub.db',
          'data/streamhub.db-wal',
          'data/daemon.lock',
          'apps/live/app.db',
          'apps/live/recordings/one.mp4',
          'apps/later/app.db',
          'logs/streamhub.log',
          'backups/b',
          'streamhub.env',
          `replaced/${kept}/data/streamhub.db`,
          `replaced/${kept}/apps/later/app.db`,
        ].map(async (place) => [place, await read(path.join(dir, place))] as const),
      ),
    );
    assert.deepEqual(
      Object.values(found),
      [
        'new registry',
        null,
        'lock',
        'new rows',
        'a film',
        null,
        'old lines',
        'a backup',
        'PORT=1',
        'old registry',
        'later rows',
      ],
      `killed before operation ${killAt}`,
    );
    assert.ok(!existsSync(path.join(dir, 'restore')) && !existsSync(path.join(dir, 'restore.json')));
    if (status === 0) break;
  }
  assert.ok(killed > 5, 'it was killed');
});
