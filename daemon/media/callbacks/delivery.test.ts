import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import { EventBus } from '#daemon/platform/events/bus.ts';
import { testBackground } from '#test/helpers/background.ts';
import { callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { until } from '#test/helpers/until.ts';
import { callbackChannel } from './channel.ts';
import { OutboxDelivery } from './delivery.ts';
import { LIFETIME_MS, outboxRepository } from './outbox.ts';
import { CallbackSender } from './sender.ts';

async function setUp(t: TestContext, url: string, clock: Clock = SYSTEM_CLOCK, names = ['live'], atOnce = 256) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-callbacks-'));
  const databases = new AppDatabases(dir);
  for (const name of names) {
    await mkdir(path.join(dir, name));
    await writeFile(path.join(dir, name, 'app.db'), databases.template());
  }
  const app = (name: string) => ({ id: 1, name, tenantId: name.split('-')[0] }) as AppEntry;
  const bus = new EventBus((error) => assert.fail(String(error)));
  const told: string[] = [];
  let waiting: { type: string; resolve(): void } | undefined;
  bus.subscribe(({ type }) => {
    told.push(type);
    if (waiting?.type === type) waiting.resolve();
  });
  const service = new OutboxDelivery({
    channel: callbackChannel({
      config: { get: async () => ({ callbacks: { url, secret: '' } }) as never },
      secret: () => '',
      sender: new CallbackSender({ denyPrivate: false }, 'test'),
    }),
    background: testBackground(),

    databases,
    apps: { get: app, entries: () => names.map(app), turnOf: (name) => app(name).tenantId },
    bus,
    log: { info() {}, warn() {} },
    clock,
    waitAfter: () => 1,
    atOnce,
  });
  t.after(async () => {
    await service.stop();
    databases.closeAll();
    await rm(dir, { recursive: true, force: true });
  });
  const outboxOf = (name: string) => outboxRepository(databases.get(name), 'callback');
  const outbox = () => outboxOf('live');
  return {
    service,
    outbox,
    outboxOf,
    told,
    add: (at = clock.now()) => outbox().add({ event: 'test', room: null, data: {}, at }),
    heard: (type: string) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting = { type, resolve };
      return promise;
    },
  };
}

test('after fifteen failing tries the first is given up and the next one gets its turn', async (t) => {
  const receiver = await callbackReceiver(t);
  const { service, outbox, add, heard } = await setUp(t, receiver.url);
  const poison = add();
  const next = add();
  receiver.behave(...Array<number>(15).fill(500));
  const dead = heard('callback.dead');
  service.wake('live');
  await dead;
  const recovered = heard('callback.recovered');
  await recovered;
  assert.deepEqual([outbox().get(poison)?.state, outbox().get(poison)?.attempts], ['dead', 15]);
  assert.deepEqual([outbox().get(next)?.state, outbox().get(next)?.attempts], ['delivered', 1]);
  assert.deepEqual(
    receiver.received.map(({ body }) => body.seq),
    [...Array<number>(15).fill(1), 2],
  );
});

test('what is older than a day is not sent any more', async (t) => {
  const receiver = await callbackReceiver(t);
  const clock = new ManualClock();
  const { service, outbox, add, heard } = await setUp(t, receiver.url, clock);
  const old = add();
  clock.advance(LIFETIME_MS - 1000);
  const young = add();
  clock.advance(2000);
  const delivered = heard('callback.delivered');
  service.wake('live');
  await delivered;
  assert.deepEqual([outbox().get(old)?.state, outbox().get(young)?.state], ['dead', 'delivered']);
  assert.equal(receiver.received.length, 1);
});

test('numbers grow by one and are never given twice', async (t) => {
  const receiver = await callbackReceiver(t);
  const { outbox, add } = await setUp(t, receiver.url);
  const ids = [add(), add(), add()];
  const later = new Date(Date.now() + 1000).toISOString();
  outbox().delivered(ids[2] as string, '2026-01-01T00:00:00.000Z', 200);
  assert.equal(outbox().forget(later, later), 1);
  add();
  assert.deepEqual(
    outbox()
      .page({}, { limit: 10, offset: 0 })
      .rows.map((row) => row.seq),
    [4, 2, 1],
  );
});

test('a stop cuts a try off and leaves it to the next start', async (t) => {
  const receiver = await callbackReceiver(t);
  const { service, outbox, add } = await setUp(t, receiver.url);
  const id = add();
  receiver.behave(() => {});
  service.wake('live');
  await receiver.next();
  await service.stop();
  assert.deepEqual([outbox().get(id)?.state, outbox().get(id)?.attempts], ['pending', 0]);
});

for (const status of [401, 403, 404]) {
  test(`${status} is tried again for half an hour from the first refusal of each event, then given up`, async (t) => {
    const receiver = await callbackReceiver(t);
    const clock = new ManualClock();
    const { service, outbox, add, heard } = await setUp(t, receiver.url, clock);
    receiver.behave(status);
    const first = add();
    const failed = heard('callback.failing');
    service.wake('live');
    await failed;
    assert.equal(outbox().get(first)?.state, 'pending');
    const second = add();
    receiver.behave(status, status);
    clock.advance(31 * 60_000);
    service.retryNow('live');
    await until('the second is tried', () => outbox().get(second)?.attempts === 1);
    assert.deepEqual([outbox().get(first)?.state, outbox().get(second)?.state], ['dead', 'pending']);
    // one that is sent again has its half hour again, too
    outbox().revive(first, clock.now() + LIFETIME_MS);
    receiver.behave(status);
    service.retryNow('live');
    await until('the first is tried again', () => outbox().get(first)?.attempts === 1);
    assert.equal(outbox().get(first)?.state, 'pending');
    service.retryNow('live');
    await until('the second is delivered', () => outbox().get(second)?.state === 'delivered');
    assert.equal(outbox().get(first)?.state, 'delivered');
  });
}

test('a retry that is asked for during a try follows it without a wait', async (t) => {
  const receiver = await callbackReceiver(t);
  const { service, outbox, add, heard } = await setUp(t, receiver.url, new ManualClock());
  const id = add();
  const held = Promise.withResolvers<ServerResponse>();
  receiver.behave((_, response) => held.resolve(response), 204);
  service.wake('live');
  const response = await held.promise;
  service.retryNow('live');
  const failed = heard('callback.failed');
  response.writeHead(500).end();
  await failed;
  await until('it is delivered', () => outbox().get(id)?.state === 'delivered');
});

test('receivers that hang, of one team and behind one host, delay no callback of another team', async (t) => {
  const receiver = await callbackReceiver(t);
  const hanging = Array.from({ length: 20 }, (_, n) => `hangs-${n}`);
  const { service, outboxOf, heard } = await setUp(t, receiver.url, SYSTEM_CLOCK, [...hanging, 'quick']);
  const send = (app: string): void => {
    outboxOf(app).add({ event: 'test', room: null, data: {}, at: Date.now() });
    service.wake(app);
  };
  receiver.behave(
    ...[...hanging, 'quick'].map(() => ({ body }: { body: { app: string } }, response: ServerResponse): void => {
      if (body.app === 'quick') response.writeHead(204).end();
    }),
  );
  for (const app of hanging) send(app);
  for (let n = 0; n < 8; n += 1) await receiver.next();
  const delivered = heard('callback.delivered');
  send('quick');
  await delivered;
  assert.deepEqual([receiver.received.length, receiver.received.at(-1)?.body.app], [9, 'quick']);
});

test('receivers of many teams that hang leave room for those that answer', async (t) => {
  const receiver = await callbackReceiver(t);
  const hanging = ['one', 'two', 'three', 'four', 'five', 'six'];
  const { service, outboxOf, heard } = await setUp(t, receiver.url, SYSTEM_CLOCK, [...hanging, 'quick'], 4);
  const send = (app: string): void => {
    outboxOf(app).add({ event: 'test', room: null, data: {}, at: Date.now() });
    service.wake(app);
  };
  // the first try of each team fails, and the next ones get no answer
  const tried = new Set<string>();
  const behave = ({ body: { app } }: { body: { app: string } }, response: ServerResponse): void => {
    if (app === 'quick') response.writeHead(204).end();
    else if (!tried.has(app)) response.writeHead(500).end();
    tried.add(app);
  };
  receiver.behave(...Array.from({ length: 100 }, () => behave));
  for (const app of hanging) send(app);
  for (let n = 0; n < hanging.length + 3; n += 1) await receiver.next();
  const delivered = heard('callback.delivered');
  send('quick');
  await delivered;
  assert.equal(receiver.received.at(-1)?.body.app, 'quick');
});
