import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noMountNamespace, runInMountNamespace } from '#test/helpers/mount-namespace.ts';

test('a full or read-only disk refuses the write and loses nothing', { skip: noMountNamespace() }, async (t) => {
  const { full, again, readOnly } = await runInMountNamespace(t, 'config-on-broken-disk.ts');
  assert.deepEqual(full.put, { status: 507, code: 'STORAGE_FULL' });
  assert.deepEqual(full.patch, { status: 507, code: 'STORAGE_FULL' });
  assert.equal(full.validate.status, 200);
  assert.deepEqual([full.kept, full.leftovers], [true, []]);
  assert.equal(again.status, 200);
  assert.deepEqual(readOnly.put, { status: 409, code: 'FILE_READ_ONLY' });
  assert.deepEqual([readOnly.kept, readOnly.leftovers], [true, ['live.yaml']]);
});
