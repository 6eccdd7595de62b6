import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import { EventBus } from '#daemon/platform/events/bus.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { userStore } from '../people/user-store.ts';
import { SessionTokens } from './jwt.ts';
import { sessionRepository } from './session-repository.ts';
import { LIFETIME_MS, SessionStore } from './sessions.ts';

const KEY = new Uint8Array(32).fill(7);
const FROM = { ip: '203.0.113.5', userAgent: `browser ${'x'.repeat(500)}` };

function setup(db = openDatabase(':memory:')) {
  migrate(db, registryMigrations);
  const clock = new ManualClock(Date.now());
  const users = userStore(db);
  if (users.byId('usr_1') === undefined) {
    users.insert({
      id: 'usr_1',
      email: 'a@example.com',
      name: null,
      is_superadmin: 0,
      status: 'active',
      password_hash: 'x',
      created_at: '2026-01-01T00:00:00.000Z',
    });
  }
  const ended: unknown[] = [];
  const events = new EventBus((error) => {
    throw error;
  });
  events.subscribe(({ type, data }) => void (type === 'session.ended' && ended.push(data['sessionId'])));
  const store = new SessionStore({
    background: testBackground(),

    sessions: sessionRepository(db),
    users,
    tokens: new SessionTokens(KEY),
    events,
    clock,
  });
  store.start();
  const open = async () => {
    const user = users.byId('usr_1');
    assert.ok(user);
    return (await store.open(user, FROM)).secret;
  };
  return { db, clock, users, store, ended, open };
}
const resolve = async (store: SessionStore, token: string): Promise<Principal | null | undefined> =>
  store.resolve(token);

test('an expired session is refused and not listed, though its token still reads well', async () => {
  const { store, clock, open } = setup();
  const token = await open();
  assert.equal((await resolve(store, token))?.userId, 'usr_1');
  assert.equal(store.list('usr_1').length, 1);
  clock.advance(LIFETIME_MS - 1000);
  assert.ok(await resolve(store, token));
  clock.advance(1000);
  assert.equal(await resolve(store, token), null);
  assert.deepEqual(store.list('usr_1'), []);
  store.stop();
});

test('a checked token costs no second check, and a revoked session is refused without a wait', async () => {
  const { store, ended, open } = setup();
  const token = await open();
  assert.ok(store.resolve(token) instanceof Promise, 'the first time the signature is checked');
  await store.resolve(token);
  const known = store.resolve(token);
  assert.ok(known !== null && known !== undefined && !(known instanceof Promise), 'then it is a look-up');
  const [session] = store.list('usr_1');
  assert.ok(session);
  assert.equal(session.userAgent?.length, 400);
  assert.equal(store.revoke('usr_2', session.id), false);
  assert.equal(store.revoke('usr_1', session.id), true);
  assert.equal(store.resolve(token), null);
  assert.deepEqual(ended, [session.id]);
  store.stop();
});

test('what was opened and ended outlives a restart', async () => {
  const first = setup();
  const [kept, gone] = [await first.open(), await first.open()];
  const goneId = JSON.parse(Buffer.from(gone.split('.')[1] as string, 'base64url').toString()).sid;
  first.store.revoke('usr_1', goneId);
  first.store.stop();
  const second = setup(first.db);
  assert.ok(await resolve(second.store, kept));
  assert.equal(await resolve(second.store, gone), null);
  second.store.stop();
});

test('last seen is written at most once a minute, in a batch', async () => {
  const { db, store, clock, open } = setup();
  const token = await open();
  await resolve(store, token);
  const writes = () => db.prepare('SELECT total_changes()').pluck().get() as number;
  const before = writes();
  for (let second = 0; second < 59; second += 1) {
    clock.advance(1000);
    await resolve(store, token);
  }
  store.flush();
  assert.equal(writes(), before);
  clock.advance(2000);
  for (let n = 0; n < 10; n += 1) await resolve(store, token);
  store.flush();
  assert.equal(writes(), before + 1);
  const row = db.prepare('SELECT last_seen FROM sessions').pluck().get();
  assert.equal(row, new Date(clock.now()).toISOString());
  store.stop();
});

test('changed rights are those of the next request; a deleted person is signed out', async () => {
  const { store, users, open } = setup();
  const token = await open();
  assert.equal((await resolve(store, token))?.isSuperadmin, false);
  users.update('usr_1', { is_superadmin: 1 });
  assert.equal((await resolve(store, token))?.isSuperadmin, false, 'nothing is read from the table on the way');
  store.refresh('usr_1');
  assert.equal((await resolve(store, token))?.isSuperadmin, true);
  users.remove('usr_1');
  store.refresh('usr_1');
  assert.equal(await resolve(store, token), null);
  store.stop();
});

test('a person acts in the owned team, else in the oldest; an invitation counts for nothing', async () => {
  const { db, store, users, open } = setup();
  const insert = db.prepare("INSERT INTO tenants (id, name, plan, created_at) VALUES (?, 'x', 'free', '')");
  for (const id of ['t1', 't2', 't3', 't4']) insert.run(id);
  const join = (tenant_id: string, role: 'owner' | 'viewer', status: 'active' | 'invited', day: number) => {
    users.join({ user_id: 'usr_1', tenant_id, role, status, created_at: `2026-01-0${day}T00:00:00.000Z` });
    store.refresh('usr_1');
  };
  const token = await open();
  const tenant = async () => (await resolve(store, token))?.tenantId;
  assert.equal(await tenant(), null);
  join('t4', 'owner', 'invited', 1);
  assert.equal(await tenant(), null);
  join('t2', 'viewer', 'active', 3);
  join('t1', 'viewer', 'active', 2);
  assert.equal(await tenant(), 't1');
  join('t3', 'owner', 'active', 5);
  assert.equal(await tenant(), 't3');
  store.stop();
});

test('what is no session token is left to others', () => {
  const { store } = setup();
  for (const word of ['sk_abc', 'word', 'a.b', 'a.b.c.d', '', `a.b.${'c'.repeat(5000)}`, 'ä.b.c'])
    assert.equal(store.resolve(word), undefined, word.slice(0, 20));
  store.stop();
});

test('a jump of the clock, in either direction, ends no session and prolongs none', async () => {
  const { clock, store, open } = setup();
  const token = await open();
  for (const jump of [10 * 365 * 86_400_000, -20 * 365 * 86_400_000]) {
    clock.jump(jump);
    assert.equal((await resolve(store, token))?.userId, 'usr_1');
  }
  clock.advance(LIFETIME_MS - 1);
  assert.equal((await resolve(store, token))?.userId, 'usr_1');
  clock.advance(1);
  assert.equal(await resolve(store, token), null);
  store.stop();
});
