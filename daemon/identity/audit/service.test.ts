import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { sampleEvent } from '#test/helpers/declared-events.ts';
import { auditRepository } from './repository.ts';
import { AuditTrail } from './service.ts';

const GLOBAL: Principal = {
  userId: 'token:1',
  tenantId: 'platform',
  role: 'service',
  isSuperadmin: true,
  scope: 'global',
  via: 'api_token',
};
const DAY = 86_400_000;

function setup(retentionDays = 0) {
  const db = openDatabase(':memory:');
  migrate(db, registryMigrations);
  const clock = new ManualClock(Date.parse('2026-06-01T00:00:00.000Z'));
  const errors: object[] = [];
  const repository = auditRepository(db);
  const trail = new AuditTrail({
    background: testBackground((data) => errors.push(data)),

    repository,
    tenantOf: (app) => (app === 'live' ? 'platform' : undefined),
    retentionDays,
    log: { error: (data) => errors.push(data) },
    clock,
  });
  return { db, clock, errors, repository, trail };
}
const entry = (n: number) => ({
  action: 'thing.change',
  outcome: 'done' as const,
  status: 200,
  actor: { id: 'usr_1' },
  target: String(n),
});

test('entries older than the retention go, and only those', () => {
  const { clock, trail } = setup(10);
  for (let day = 0; day < 30; day += 1) {
    trail.write(entry(day));
    trail.flush();
    clock.advance(DAY);
  }
  trail.start();
  trail.stop();
  const { data, total } = trail.list({ limit: 100 }, GLOBAL);
  assert.equal(total, 10);
  assert.deepEqual([data[0]?.target, data.at(-1)?.target], ['29', '20']);
});

test('beyond the most rows the oldest go first, a batch at a time', () => {
  const { repository, trail } = setup();
  for (let n = 0; n < 100; n += 1) trail.write(entry(n));
  trail.flush();
  assert.equal(repository.prune(null, 60, 25), 25);
  assert.equal(repository.prune(null, 60, 25), 15);
  assert.equal(repository.prune(null, 60, 25), 0);
  const { data, total } = trail.list({ limit: 100 }, GLOBAL);
  assert.deepEqual([total, data.at(-1)?.target], [60, '40']);
});

test('events of a request belong to its entry; others are told by themselves where the table names them', () => {
  const { trail } = setup();
  trail.begin('r1');
  const actor = { id: 'usr_1', requestId: 'r1' };
  trail.hear(sampleEvent('app.created', { app: 'a', tenant: 't', actor }));
  assert.equal(trail.end('r1').length, 1);
  assert.deepEqual(trail.end('r1'), []);
  assert.equal(trail.list({}, GLOBAL).total, 0);
  trail.hear({ type: 'app.deleted', app: 'a', tenant: 't', actor, data: { name: 'a', id: 4 } });
  trail.hear(sampleEvent('job.progress', { actor }));
  trail.hear(sampleEvent('config.changed', { app: 'live', data: { changed: ['s3.bucket'] } }));
  const { data } = trail.list({}, GLOBAL);
  assert.deepEqual(
    data.map((e) => [e.action, e.actor.kind, e.app, e.tenantId, e.target]),
    [
      ['config.write', 'system', 'live', 'platform', null],
      ['app.delete', 'user', 'a', 't', 'a'],
    ],
  );
});

test('a trail that cannot be written says so and stops nobody', () => {
  const { db, errors, trail } = setup();
  db.exec('DROP TABLE audit');
  trail.write(entry(1));
  trail.flush();
  assert.equal(errors.length, 1);
});
