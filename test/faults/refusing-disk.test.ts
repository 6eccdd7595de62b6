import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noMountNamespace, runInMountNamespace } from '#test/helpers/mount-namespace.ts';

const allOk = (reads: Record<string, number>): void =>
  assert.deepEqual(
    Object.entries(reads).filter(([, status]) => status !== 200),
    [],
  );
const REFUSED = { status: 507, code: 'STORAGE_FULL' };
const DONE = { token: { status: 201, code: null }, app: { status: 201, code: null } };

describe('a daemon on a disk that refuses', { skip: noMountNamespace() }, () => {
  let seen: Record<string, any>;
  test('nothing ends the process', async (t) => {
    seen = await runInMountNamespace(t, 'daemon-on-refusing-disk.ts');
    assert.equal(seen['failed'], undefined, seen['failed']?.error);
    assert.deepEqual(seen['unhandled'], []);
  });

  test('on a full disk every timer fails quietly, reading works, writes say 507, and nothing gathered is lost', () => {
    const { before, reads, writes, refused, tasks, codes, whileFull, after, audit, session } = seen['full'];
    assert.deepEqual(before, { status: 200, wrong: [] });
    allOk(reads);
    assert.deepEqual(writes, { token: REFUSED, app: REFUSED });
    assert.deepEqual(refused, { status: 401, code: 'UNAUTHENTICATED' });
    for (const name of ['audit trail', 'event streams', 'heartbeats', 'load history', 'sessions', 'tokens'])
      assert.ok(tasks.includes(name), name);
    // an app's database that is opened in the meantime is a copy, which takes no writes
    assert.ok(codes.includes('SQLITE_FULL'), codes);
    assert.deepEqual(new Set(['SQLITE_FULL', 'SQLITE_READONLY', ...codes]).size, 2, codes);
    assert.deepEqual(whileFull, { status: 503, wrong: ['background writes', 'disk space'] });
    assert.deepEqual(after, { writes: DONE, failures: 0 });
    assert.deepEqual(audit.slice(0, 3).sort(), ['app.create failed', 'auth.login done', 'token.create failed']);
    assert.deepEqual(session, { signIn: 200, account: 200, isStored: true });
  });

  test('on a full disk it starts, and writes again once there is space', () => {
    const { reads, ready, writes, after } = seen['startedFull'];
    allOk(reads);
    assert.equal(ready.status, 503);
    assert.ok(ready.wrong.includes('disk space'));
    assert.deepEqual(writes, { token: REFUSED, app: REFUSED });
    assert.deepEqual(after, DONE);
  });

  test('on a read-only disk it starts, reads, and names the read-only file', () => {
    const { reads, ready, writes } = seen['readOnly'];
    allOk(reads);
    assert.equal(ready.status, 503);
    assert.ok(ready.wrong.includes('registry file') && ready.wrong.includes('data directory'));
    assert.deepEqual(writes.token, { status: 503, code: 'DATABASE_READ_ONLY' });
    assert.deepEqual(writes.app, { status: 409, code: 'FILE_READ_ONLY' });
  });

  test('a registry that another program locks is 503 with Retry-After, and works again afterwards', () => {
    const { reads, write, retryAfter, ready, after } = seen['locked'];
    allOk(reads);
    assert.deepEqual([write, retryAfter], [{ status: 503, code: 'DATABASE_BUSY' }, '1']);
    assert.equal(ready.status, 503);
    assert.deepEqual(after, DONE);
  });
});
