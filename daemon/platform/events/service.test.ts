import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { EVENT_TYPES, type EventType } from '#shared/schema/events.ts';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { sampleEvent } from '#test/helpers/declared-events.ts';
import { EventReader } from '#test/helpers/event-reader.ts';
import { SYSTEM_CLOCK } from '../clock.ts';
import type { Principal } from '../principal.ts';
import { EventBus } from './bus.ts';
import { EventService, type EventServiceDeps } from './service.ts';
import { EventStore } from './store.ts';
import { maySee } from './topics.ts';

const GLOBAL: Principal = {
  userId: 'token:1',
  tenantId: 'platform',
  role: 'service',
  isSuperadmin: true,
  scope: 'global',
  via: 'api_token',
};

async function setUp(t: TestContext, more: Partial<EventServiceDeps> = {}) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-events-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const file = path.join(dir, 'events.db');
  const bus = new EventBus((error) => assert.fail(String(error)));
  const warnings: string[] = [];
  let valid: Principal | null = GLOBAL;
  const service = new EventService({
    background: testBackground((_data, message) => warnings.push(message)),

    file,
    bus,
    findApp: (name) => (name === 'live' ? { id: 1, tenantId: 'platform' } : undefined),
    resolvers: [{ resolve: () => valid }],
    log: { warn: (_data, message) => warnings.push(message) },
    ...more,
  });
  service.start();
  const server = http.createServer((request, response) => {
    service.open(
      response,
      { 'content-type': 'text/event-stream' },
      {
        principal: GLOBAL,
        credential: { kind: 'bearer', text: 'x' },
        ip: '127.0.0.1',
        query: {},
        lastEventId: request.headers['last-event-id'] as string | undefined,
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    service.stop();
    server.closeAllConnections();
    server.close();
  });
  const listen = async (lastEventId?: string): Promise<EventReader> => {
    const abort = new AbortController();
    t.after(() => abort.abort());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const headers: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    return new EventReader(await fetch(url, { headers, signal: abort.signal }), abort);
  };
  return { dir, file, bus, service, warnings, listen, revoke: () => (valid = null) };
}

const publish = (bus: EventBus, from: number, to: number): void => {
  for (let n = from; n < to; n++) bus.publish(sampleEvent('config.reloaded', { app: 'live', data: { etag: `${n}` } }));
};
const numbers = (reader: EventReader): number[] =>
  reader.heard.filter((m) => m.event === 'config.reloaded').map((m) => Number(m.data.data.etag));
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test('a long backlog and events in the middle of it arrive once and in order', async (t) => {
  const { bus, listen } = await setUp(t);
  const first = await listen();
  const start = (await first.next('hello')).id as string;
  publish(bus, 0, 3000);
  const resumed = await listen(start);
  // announced while the backlog is being sent
  for (let n = 3000; n < 3300; n += 100) {
    await resumed.next('config.reloaded');
    publish(bus, n, n + 100);
  }
  await resumed.next((m) => m.data.data?.etag === '3299');
  assert.deepEqual(numbers(resumed), range(0, 3300));
});

test('what is no longer kept is answered with a reset', async (t) => {
  const { bus, service, listen } = await setUp(t, { maxRows: 10 });
  const start = (await (await listen()).next('hello')).id as string;
  publish(bus, 0, 600);
  service.flush();
  const late = await listen(start);
  assert.equal((await late.next('reset')).data.reason, 'too_old');
  publish(bus, 600, 601);
  await late.next('config.reloaded');
  assert.deepEqual(numbers(late), [600]);
});

test('events older than the age limit are forgotten', async (t) => {
  const clock = new ManualClock();
  const dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-events-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const store = new EventStore({
    file: path.join(dir, 'events.db'),
    maxRows: 1000,
    maxAgeMs: 1000,
    clock,
    onRefusal: () => assert.fail('refused'),
    retentionNow: () => clock.now(),
    onDamage: () => assert.fail(),
  });
  const add = () => {
    const id = store.takeId();
    store.append([
      {
        id,
        at: clock.now(),
        topic: 'config',
        type: 'config.reloaded',
        app: null,
        appId: null,
        tenant: null,
        user: null,
        body: '{}',
      },
    ]);
    return id;
  };
  const old = add();
  clock.advance(900);
  const young = add();
  clock.advance(200);
  store.prune();
  assert.deepEqual(
    store.after(0, 10).map((event) => event.id),
    [young],
  );
  assert.ok(store.prunedTo >= old && store.prunedTo < young);
  store.close();
});

test('a beat keeps the place of a reader that has nothing to hear', async (t) => {
  const { bus, listen } = await setUp(t, { beatMs: 10 });
  const reader = await listen();
  const { id } = await reader.next('hello');
  bus.publish(sampleEvent('log.line'));
  bus.publish(sampleEvent('app.created'));
  const created = await reader.next('app.created');
  assert.ok(Number(created.id) > Number(id));
  const seen = new Promise<void>((resolve) => setTimeout(resolve, 50));
  await seen;
  bus.publish(sampleEvent('node.stats', { live: true }));
  const stats = await reader.next('node.stats');
  assert.equal(stats.data.id, undefined);
  // what a reader without news resumes after
  assert.equal(stats.id, undefined);
  assert.equal(reader.lastEventId, created.id);
});

test('a credential that no longer holds ends the stream at the next beat', async (t) => {
  const { listen, revoke } = await setUp(t, { beatMs: 10 });
  const reader = await listen();
  await reader.next('hello');
  revoke();
  assert.equal((await reader.next('bye')).data.reason, 'revoked');
  await reader.ended;
});

test('events that cannot be written are heard, and kept for a reader that resumes until the file takes them', async (t) => {
  const { bus, file, service, listen, warnings } = await setUp(t);
  const reader = await listen();
  const start = (await reader.next('hello')).id as string;
  const other = new Database(file);
  other.exec("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END");
  publish(bus, 0, 2);
  service.flush();
  await reader.next((m) => m.data.data?.etag === '1');
  assert.equal(warnings.length, 1);
  const early = await listen(start);
  await early.next((m) => m.data.data?.etag === '1');
  assert.deepEqual(numbers(early), range(0, 2));
  other.exec('DROP TRIGGER full');
  publish(bus, 2, 3);
  const late = await listen(start);
  await late.next((m) => m.data.data?.etag === '2');
  assert.deepEqual(numbers(late), range(0, 3));
  assert.equal(other.prepare("SELECT count(*) FROM events WHERE type = 'config.reloaded'").pluck().get(), 3);
  other.close();
});

test('beyond what memory holds of unwritten events, a reader that resumes is told that it missed some', async (t) => {
  const { bus, file, service, listen } = await setUp(t);
  const start = (await (await listen()).next('hello')).id as string;
  const other = new Database(file);
  other.exec("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END");
  t.after(() => other.close());
  publish(bus, 0, 5100);
  service.flush();
  const late = await listen(start);
  assert.equal((await late.next('reset')).data.reason, 'too_old');
});

test('a damaged file is set aside and ids still grow', async (t) => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-events-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const file = path.join(dir, 'events.db');
  writeFileSync(file, 'this is no database, not even a small one'.repeat(200));
  const damaged: string[] = [];
  const store = new EventStore({
    file,
    maxRows: 10,
    maxAgeMs: 1e9,
    clock: SYSTEM_CLOCK,
    onRefusal: () => assert.fail('refused'),
    retentionNow: () => Date.now(),
    onDamage: (kept) => damaged.push(kept),
  });
  assert.equal(damaged.length, 1);
  assert.ok((await readdir(dir)).includes(path.basename(damaged[0] as string)));
  assert.ok(store.takeId() > Date.now() - 60_000);
  store.close();
});

test('who may see what', () => {
  const person = (role: Principal['role'], tenantId: string | null): Principal => ({
    userId: 'usr_1',
    tenantId,
    role,
    isSuperadmin: false,
    scope: 'user',
    via: 'user_jwt',
  });
  const token: Principal = { ...GLOBAL, isSuperadmin: false, scope: 'app', appId: 1, tenantId: 'a' };
  const event = (type: EventType, appId: number | null, tenant: string | null, user: string | null = null) => ({
    topic: EVENT_TYPES[type],
    type,
    app: appId === null ? null : 'x',
    appId,
    tenant,
    user,
  });
  const cases: [Principal, ReturnType<typeof event>, boolean][] = [
    [GLOBAL, event('node.joined', null, null), true],
    [GLOBAL, event('livekit.unreachable', null, null), true],
    [person('owner', 'a'), event('node.joined', null, null), false],
    [person('owner', 'a'), event('livekit.unreachable', 1, 'a'), false],
    [person('owner', 'a'), event('token.revoked', 1, 'a'), false],
    [person('viewer', 'a'), event('team.changed', null, 'a'), true],
    [person('owner', 'a'), event('team.changed', null, 'b'), false],
    [token, event('team.changed', null, 'a'), false],
    [person('viewer', 'a'), event('stream.started', 1, 'a'), true],
    [person('viewer', 'a'), event('config.changed', 1, 'a'), true],
    [person('owner', 'a'), event('stream.started', 2, 'b'), false],
    [person('owner', 'a'), event('app.created', null, null), false],
    [person(null, null), event('app.created', null, null), false],
    [person('owner', 'a'), event('job.succeeded', null, 'a'), true],
    [person('viewer', 'a'), event('session.ended', null, null, person('viewer', 'a').userId), true],
    [person('viewer', 'a'), event('session.ended', null, null, 'usr_other'), false],
    [token, event('stream.started', 1, 'a'), true],
    [token, event('stream.started', 2, 'a'), false],
    [token, event('job.succeeded', null, 'a'), false],
    [token, event('plugin.state', 1, 'a'), false],
  ];
  for (const [principal, what, expected] of cases) {
    assert.equal(maySee(principal, what), expected, `${principal.scope} ${principal.role} ${JSON.stringify(what)}`);
  }
});
