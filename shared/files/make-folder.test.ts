import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { temporaryDir } from '#test/helpers/daemon.ts';
import { noMountNamespace } from '#test/helpers/mount-namespace.ts';
import { makeFolder, makeFolderSync } from './make-folder.ts';

const WAYS = [
  ['later', makeFolder],
  ['now', async (folder: string, mode?: number) => makeFolderSync(folder, mode)],
] as const;

for (const [name, make] of WAYS)
  test(`a folder that is made ${name}`, async (t) => {
    const dir = await temporaryDir(t);
    await t.test('comes with those above it, each with the mode, and may be there', async () => {
      await make(path.join(dir, 'a/b/c'));
      await make(path.join(dir, 'a/b/c'));
      for (const place of ['a', 'a/b', 'a/b/c']) assert.equal(statSync(path.join(dir, place)).mode & 0o777, 0o700);
      await make(path.join(dir, 'open/in'), 0o755);
      assert.equal(statSync(path.join(dir, 'open')).mode & 0o777, 0o755 & ~process.umask());
      assert.equal(statSync(path.join(dir, 'open/in')).mode & 0o777, 0o755 & ~process.umask());
    });

    await t.test('is refused where a file is in its place or above it', async () => {
      writeFileSync(path.join(dir, 'file'), '');
      await assert.rejects(make(path.join(dir, 'file')), { code: 'EEXIST' });
      await assert.rejects(make(path.join(dir, 'file/in')), { code: 'ENOTDIR' });
    });

    await t.test(
      'is refused where the system makes none, and that ends',
      {
        skip: process.platform !== 'linux' && 'it needs /proc',
      },
      () => assert.rejects(make('/proc/streamhub/data'), { code: 'ENOENT' }),
    );

    await t.test(
      'is refused as read-only on a file system that is',
      {
        skip: process.getuid?.() === 0 ? noMountNamespace() : 'it needs root',
      },
      async () => {
        const place = path.join(dir, 'mounted');
        mkdirSync(place);
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'none', place]);
        try {
          await make(place);
          await assert.rejects(make(path.join(place, 'a/b')), { code: 'EROFS' });
        } finally {
          execFileSync('umount', [place]);
        }
      },
    );
  });
