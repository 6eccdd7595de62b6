import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import { appRepository } from './repository.ts';

test('of one team only the newest prefixes are held, and of others all', () => {
  const db = openDatabase(':memory:');
  migrate(db, registryMigrations);
  const repository = appRepository(db);
  const hold = (prefix: string, tenant_id: string, second: number): void => {
    const released_at = new Date(second * 1000).toISOString();
    repository.hold({ prefix, tenant_id, app: prefix, released_at, held_until: released_at }, 2);
  };
  hold('other', 'b', 0);
  for (const n of [1, 2, 3]) hold(`p${n}`, 'a', n);
  const held = () => repository.released().map(({ prefix }) => prefix);
  assert.deepEqual(held(), ['other', 'p2', 'p3']);
  // given up once more, it counts as new
  hold('p2', 'a', 4);
  hold('p4', 'a', 5);
  assert.deepEqual(held(), ['other', 'p2', 'p4']);
  repository.forgetReleased(new Date(5000).toISOString());
  assert.deepEqual(held(), ['p4']);
  db.close();
});
