import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT, temporaryDir } from '#test/helpers/daemon.ts';

const run = promisify(execFile);
const NAMESPACE = ['--user', '--map-root-user', '--mount'];

/** Why this machine cannot mount in a namespace, or undefined. */
function obstacle(): string | undefined {
  try {
    execFileSync('unshare', [...NAMESPACE, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'this machine allows no mount namespaces (unshare --user --mount)';
  }
}

test('a full or read-only disk refuses the write and loses nothing', { skip: obstacle() ?? false }, async (t) => {
  const dir = await temporaryDir(t);
  const script = path.join(ROOT, 'test/helpers/config-on-broken-disk.ts');
  const { stdout } = await run('unshare', [...NAMESPACE, process.execPath, script, dir], { cwd: ROOT });
  const { full, again, readOnly } = JSON.parse(stdout.trim().split('\n').at(-1) as string);
  assert.deepEqual(full.put, { status: 507, code: 'STORAGE_FULL' });
  assert.deepEqual(full.patch, { status: 507, code: 'STORAGE_FULL' });
  assert.equal(full.validate.status, 200);
  assert.deepEqual([full.kept, full.leftovers], [true, []]);
  assert.equal(again.status, 200);
  assert.deepEqual(readOnly.put, { status: 409, code: 'FILE_READ_ONLY' });
  assert.deepEqual([readOnly.kept, readOnly.leftovers], [true, ['live.yaml']]);
});
