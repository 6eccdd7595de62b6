import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ApiError } from '#shared/errors.ts';
import type { JobProgress } from '#shared/schema/jobs.ts';
import { testBackground } from '#test/helpers/background.ts';
import { migrate } from '../db/migrate.ts';
import { type Db, openDatabase } from '../db/open.ts';
import { registryMigrations } from '../db/registry/index.ts';
import { EventBus } from '../events/bus.ts';
import { SYSTEM } from '../http/types.ts';
import type { Principal } from '../principal.ts';
import type { JobRun } from './handler.ts';
import { jobRepository, type NewJob, NO_LIMIT } from './repository.ts';
import { JobService } from './service.ts';

const GLOBAL = {
  userId: 'token:1',
  tenantId: 'platform',
  role: 'service',
  scope: 'global',
  isSuperadmin: true,
  via: 'api_token',
} as Principal;
const progress = (done: number): JobProgress => ({ phase: 'objects', done, total: 10, failed: 0, unit: 'objects' });
const job = (more: Partial<NewJob> = {}): NewJob => ({
  kind: 'app-delete',
  title: 'Test',
  app: 'live',
  appId: 1,
  tenantId: 'platform',
  input: { app: 'live' },
  maxAttempts: 1,
  actor: SYSTEM,
  ...more,
});

let db: Db;
let errors: string[];
let published: object[];
const services: JobService[] = [];
beforeEach(() => {
  db = openDatabase(':memory:');
  migrate(db, registryMigrations);
  errors = [];
  published = [];
});
afterEach(async () => {
  for (const service of services.splice(0)) await service.stop();
  db.close();
});

type Run = (run: JobRun<unknown, { n: number }>) => Promise<object>;
/** A service as after a start of the daemon; several on one database are several lives of it. */
function life(
  run: Run,
  more: { prepare?: () => void; ended?: (state: string) => void; backoff?: number; atOnce?: number } = {},
) {
  const seen: string[] = [];
  const events = new EventBus((error) => errors.push(String(error)));
  events.subscribe((event) => published.push(event.data));
  events.subscribe((event) => ('job' in event.data ? seen.push(`${event.type} ${event.data.job.id}`) : undefined));
  const log = { warn() {}, error: (_data: object, message: string) => errors.push(message) };
  const service = new JobService({
    background: testBackground(),
    repository: jobRepository(db),
    events,
    log,
    dataDir: '/the/data',
    backoff: () => more.backoff ?? 0,
  });
  service.register({
    kind: 'app-delete',
    ...(more.atOnce === undefined ? {} : { atOnce: more.atOnce }),
    prepare: () => more.prepare?.(),
    run: run as never,
    isCancellable: (at) => at?.phase !== 'local',
    ended: (_input, state) => more.ended?.(state),
  });
  services.push(service);
  service.start();
  return { service, seen };
}
const failing = (code: 'STORAGE_PURGE_FAILED' | 'APP_BUSY') => async () => {
  throw new ApiError(code, { reason: 'No.', name: 'live' }, { extra: { s3Failed: 3 } });
};
const forever: Run = (run) =>
  new Promise((_, reject) => run.signal.addEventListener('abort', () => reject(run.signal.reason)));

describe('JobService', () => {
  test('runs a job and keeps its result', async () => {
    const { service, seen } = life(async (run) => {
      run.save({ n: 1 }, progress(5));
      return { deleted: true };
    });
    const { id, state } = service.create(job());
    assert.equal(state, 'queued');
    const done = await service.waitForAttempt(id);
    assert.deepEqual([done.state, done.attempts, done.result, done.error], ['succeeded', 1, { deleted: true }, null]);
    assert.ok(done.finishedAt);
    assert.deepEqual(seen, ['job.queued 1', 'job.started 1', 'job.progress 1', 'job.succeeded 1']);
    assert.deepEqual((await service.waitForAttempt(id)).state, 'succeeded', 'waiting for an ended job answers at once');
  });

  test('keeps why a job failed, without another attempt where that is senseless', async () => {
    const ended: string[] = [];
    const { service } = life(failing('APP_BUSY'), { ended: (state) => ended.push(state) });
    const done = await service.waitForAttempt(service.create(job({ maxAttempts: 5 })).id);
    assert.deepEqual(
      [done.state, done.attempts, done.error?.code, (done.error as { s3Failed?: number } | null)?.s3Failed],
      ['failed', 1, 'APP_BUSY', 3],
    );
    assert.deepEqual(ended, ['failed']);
  });

  test('hides what is not meant for people', async () => {
    const { service } = life(async () => {
      throw new Error('password=hunter2 at /secret/path');
    });
    const done = await service.waitForAttempt(service.create(job()).id);
    assert.equal(done.error?.code, 'INTERNAL');
    assert.ok(!JSON.stringify(done).includes('hunter2'));
    assert.equal(errors.length, 1);
  });

  test('tries again after a failure that may pass, as often as allowed', async () => {
    let runs = 0;
    const { service } = life(async (run) => {
      assert.equal(run.checkpoint, null, 'an attempt begins anew');
      runs += 1;
      run.save({ n: runs }, progress(runs));
      return runs < 3 ? failing('STORAGE_PURGE_FAILED')() : { runs };
    });
    let done = await service.waitForAttempt(service.create(job({ maxAttempts: 3 })).id);
    assert.equal(done.state, 'waiting');
    assert.ok(done.nextRunAt);
    while (done.state === 'waiting') done = await service.waitForAttempt(done.id);
    assert.deepEqual([done.state, done.attempts, done.result], ['succeeded', 3, { runs: 3 }]);
  });

  test('a job without a limit goes on, also after what the disk refuses, and a retry by hand gives it none', async () => {
    let runs = 0;
    const { service } = life(async () => {
      runs += 1;
      if (runs === 4)
        throw Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'write', path: '/data/apps/x' });
      return runs < 8 ? failing('STORAGE_PURGE_FAILED')() : { runs };
    });
    let done = await service.waitForAttempt(service.create(job({ maxAttempts: NO_LIMIT })).id);
    assert.equal(done.maxAttempts, null);
    while (done.state === 'waiting') {
      assert.equal(service.retry(GLOBAL, done.id).maxAttempts, null);
      done = await service.waitForAttempt(done.id);
    }
    assert.deepEqual([done.state, done.attempts], ['succeeded', 8]);
  });

  test('shows paths below the data folder only, in answers and events', async () => {
    const { service, seen } = life(async () => {
      throw Object.assign(new Error('no'), { code: 'EACCES', syscall: 'rename', path: '/the/data/apps/x' });
    });
    const shown: unknown[] = [];
    const done = await service.waitForAttempt(service.create(job()).id);
    assert.match(
      done.error?.message ?? '',
      /\/the\/data\/apps\/x/,
      'the request that waits shows what its caller may see',
    );
    shown.push(service.get(GLOBAL, done.id), service.list(GLOBAL, {}), published);
    assert.ok(seen.length > 0);
    assert.doesNotMatch(JSON.stringify(shown), /the\/data/);
    assert.match(JSON.stringify(shown), /access to apps\/x/);
  });

  test('gives up after the last attempt', async () => {
    const { service } = life(failing('STORAGE_PURGE_FAILED'));
    let done = await service.waitForAttempt(service.create(job({ maxAttempts: 2 })).id);
    while (done.state === 'waiting') done = await service.waitForAttempt(done.id);
    assert.deepEqual([done.state, done.attempts], ['failed', 2]);
  });

  test('goes on from the checkpoint in its next life', async () => {
    const { promise: saved, resolve: onSaved } = Promise.withResolvers<void>();
    const first = life((run) => {
      run.save({ n: 7 }, progress(7));
      onSaved();
      return forever(run);
    });
    const { id } = first.service.create(job());
    const waiter = assert.rejects(first.service.waitForAttempt(id), { code: 'SHUTTING_DOWN' });
    await saved;
    await first.service.stop();
    await waiter;
    const second = life(async (run) => ({ from: run.checkpoint, attempt: run.attempt }));
    const done = await second.service.waitForAttempt(id);
    assert.deepEqual([done.state, done.result], ['succeeded', { from: { n: 7 }, attempt: 1 }]);
  });

  test('begins what was queued, and waits for what waits, in its next life', async () => {
    const first = life(failing('STORAGE_PURGE_FAILED'), { backoff: 3_600_000 });
    const { id } = first.service.create(job({ maxAttempts: 2 }));
    assert.equal((await first.service.waitForAttempt(id)).state, 'waiting');
    await first.service.stop();
    const second = life(async () => ({ done: true }));
    assert.equal(second.service.get(GLOBAL, id).state, 'waiting');
    assert.equal(
      (await second.service.waitForAttempt(id)).state,
      'succeeded',
      'a client that waits does not wait for the hour',
    );
  });

  test('gives a job up that ends the daemon again and again', async () => {
    const { id } = life(forever).service.create(job());
    for (let n = 0; n < 6; n++) {
      const { service } = life(forever);
      await service.stop();
    }
    const last = life(async () => ({ done: true }));
    const done = await last.service.waitForAttempt(id);
    assert.deepEqual([done.state, done.error?.code], ['failed', 'JOB_KEEPS_STOPPING']);
  });

  test('one team’s jobs leave room for those of another', async () => {
    const running: string[] = [];
    const release = Promise.withResolvers<void>();
    const { service } = life(async ({ input }) => {
      running.push((input as { app: string }).app);
      await release.promise;
      return {};
    });
    const many = Array.from({ length: 20 }, () => service.create(job({ tenantId: 'busy', input: { app: 'busy' } })));
    const other = service.create(job({ tenantId: 'calm', input: { app: 'calm' } }));
    assert.deepEqual(running, ['busy', 'busy', 'busy', 'calm']);
    const ends = [other, ...many].map(({ id }) => service.waitForAttempt(id));
    release.resolve();
    assert.ok((await Promise.all(ends)).every(({ state }) => state === 'succeeded'));
  });

  test('one team’s jobs leave room, and turns, at a separate limit too', async () => {
    for (const [atOnce, tenant, begun] of [
      [1, 'busy', ['busy', 'calm', 'busy']],
      [3, 'busy', ['busy', 'busy', 'calm', 'busy']],
      [2, 'platform', ['platform', 'platform', 'calm']],
    ] as const) {
      const running: string[] = [];
      const ends: (() => void)[] = [];
      const run: Run = async ({ input, signal }) => {
        running.push((input as { app: string }).app);
        await new Promise<void>((resolve) => {
          ends.push(resolve);
          signal.addEventListener('abort', () => resolve());
        });
        return {};
      };
      const { service } = life(run, { atOnce });
      const create = (tenantId: string) => service.create(job({ tenantId, input: { app: tenantId } }));
      const jobs = [tenant, tenant, tenant, tenant, 'calm'].map(create);
      for (let n = 0; running.length < begun.length; n += 1) {
        ends.shift()?.();
        await new Promise(setImmediate);
        assert.ok(n < 20, running.join());
      }
      assert.deepEqual(running.slice(0, begun.length), begun);
      for (const { id } of jobs) await service.end(id);
    }
  });

  test('is cancelled while it runs, waits or is queued', async () => {
    const ended: string[] = [];
    const { service } = life(forever, { ended: (state) => ended.push(state) });
    const ids = Array.from({ length: 6 }, () => service.create(job()).id);
    const [running] = ids as [number];
    const queued = ids.at(-1) as number;
    assert.equal(service.get(GLOBAL, queued).state, 'queued', 'four run at once');
    assert.equal((await service.cancel(GLOBAL, queued)).state, 'cancelled');
    assert.equal((await service.cancel(GLOBAL, running)).state, 'cancelled');
    assert.equal((await service.cancel(GLOBAL, running)).state, 'cancelled', 'twice is no error');
    assert.deepEqual(ended, ['cancelled', 'cancelled']);
  });

  test('is not cancelled past the point of no return', async () => {
    const { promise: saved, resolve: onSaved } = Promise.withResolvers<void>();
    const { service } = life((run) => {
      run.save({ n: 1 }, { ...progress(10), phase: 'local' });
      onSaved();
      return forever(run);
    });
    const { id } = service.create(job());
    await saved;
    assert.equal(service.get(GLOBAL, id).cancellable, false);
    await assert.rejects(service.cancel(GLOBAL, id), { code: 'JOB_NOT_CANCELLABLE' });
  });

  test('that has ended is not cancelled, and the refusal says so', async () => {
    const { service } = life(async () => ({}));
    const { id } = service.create(job());
    assert.equal((await service.waitForAttempt(id)).state, 'succeeded');
    await assert.rejects(service.cancel(GLOBAL, id), { code: 'JOB_NOT_CANCELLABLE', message: /has ended/ });
  });

  test('is retried by hand after a failure, unless another does its work', async () => {
    let fails = true;
    const { service } = life(async () => (fails ? failing('APP_BUSY')() : { done: true }));
    const first = await service.waitForAttempt(service.create(job()).id);
    assert.equal(first.state, 'failed');
    fails = false;
    service.retry(GLOBAL, first.id);
    assert.equal((await service.waitForAttempt(first.id)).state, 'succeeded');
    assert.throws(() => service.retry(GLOBAL, first.id), { code: 'JOB_NOT_RETRYABLE' });
  });

  test('shows everyone the jobs of their own apps only', async () => {
    const { service } = life(async () => ({}));
    const mine = service.create(job({ tenantId: 'tnt_a', appId: 1, app: 'one' })).id;
    const other = service.create(job({ tenantId: 'tnt_b', appId: 2, app: 'two' })).id;
    await Promise.all([service.waitForAttempt(mine), service.waitForAttempt(other)]);
    const user = { ...GLOBAL, scope: 'user', tenantId: 'tnt_a', role: 'viewer', isSuperadmin: false } as Principal;
    const token = { ...GLOBAL, scope: 'app', tenantId: 'tnt_b', appId: 2, isSuperadmin: false } as Principal;
    const nobody = { ...user, tenantId: null, role: null } as Principal;
    const listed = (principal: Principal) => service.list(principal, {}).data.map((entry) => entry.id);
    assert.deepEqual(listed(GLOBAL), [other, mine]);
    assert.deepEqual(listed(user), [mine]);
    assert.deepEqual(listed(token), [other]);
    assert.deepEqual(listed(nobody), []);
    for (const principal of [token, nobody])
      assert.throws(() => service.get(principal, mine), { code: 'JOB_NOT_FOUND' });
    await assert.rejects(service.cancel(token, mine), { code: 'JOB_NOT_FOUND' });
    assert.throws(() => service.retry(token, mine), { code: 'JOB_NOT_FOUND' });
  });

  test('filters and pages', async () => {
    let fails = false;
    const { service } = life(async () => (fails ? failing('APP_BUSY')() : {}));
    for (let n = 0; n < 5; n++) await service.waitForAttempt(service.create(job({ app: n % 2 ? 'odd' : 'even' })).id);
    fails = true;
    await service.waitForAttempt(service.create(job()).id);
    const list = (query: object) => service.list(GLOBAL, query);
    assert.equal(list({}).total, 6);
    assert.equal(list({ state: 'failed' }).total, 1);
    assert.equal(list({ state: 'active' }).total, 0);
    assert.equal(list({ app: 'odd' }).total, 2);
    assert.equal(list({ kind: 'app-delete', state: 'succeeded' }).total, 5);
    const page = list({ limit: 2, offset: 1 });
    assert.deepEqual([page.total, page.limit, page.offset, page.data.map((entry) => entry.id)], [6, 2, 1, [5, 4]]);
  });

  test('forgets jobs that ended long ago', async () => {
    const { service } = life(async () => ({}));
    const { id } = await service.waitForAttempt(service.create(job()).id);
    db.prepare("UPDATE jobs SET finished_at = '2020-01-01T00:00:00.000Z' WHERE id = ?").run(id);
    const next = life(async () => ({}));
    assert.throws(() => next.service.get(GLOBAL, id), { code: 'JOB_NOT_FOUND' });
  });
});
