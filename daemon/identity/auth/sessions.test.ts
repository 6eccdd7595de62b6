import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import { EventBus } from '#daemon/platform/events/bus.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import type { CookieChoice } from '#shared/schema/auth.ts';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { userStore } from '../people/user-store.ts';
import { SessionTokens } from './jwt.ts';
import { sessionRepository } from './session-repository.ts';
import { LIFETIME_MS, SessionStore } from './sessions.ts';

const KEY = new Uint8Array(32).fill(7);
const FROM = { ip: '203.0.113.5', userAgent: `browser ${'x'.repeat(500)}` };

const DAY_MS = 86_400_000;

function setup(db = openDatabase(':memory:'), clock = new ManualClock(Date.now())) {
  migrate(db, registryMigrations);
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
  const limits = { longestMs: 90 * DAY_MS };
  const store = new SessionStore({
    background: testBackground(),

    sessions: sessionRepository(db),
    users,
    tokens: new SessionTokens(KEY),
    events,
    clock,
    keptMs: () => 30 * DAY_MS,
    longestMs: () => limits.longestMs,
  });
  store.start();
  const open = async (cookie?: CookieChoice) => {
    const user = users.byId('usr_1');
    assert.ok(user);
    return (await store.open(user, { ...FROM, cookie })).secret;
  };
  return { db, clock, users, store, ended, open, limits };
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

test('a browser’s session lasts from its last use, and never beyond its longest time', async () => {
  for (const [cookie, stepMs, givesCookie] of [
    ['keep', 20 * DAY_MS, true],
    ['session', LIFETIME_MS / 2, false],
  ] as const) {
    const first = setup();
    const { clock, db } = first;
    const value = await first.open(cookie);
    const end = clock.now() + 90 * DAY_MS;
    const use = (store: SessionStore) => store.resolveCookie(value, () => FROM.ip) !== null && store.renewCookie(value);
    for (; clock.now() + stepMs < end; clock.advance(stepMs)) {
      const seconds = use(first.store);
      assert.notEqual(seconds, false, `${cookie}: used after ${(end - clock.now()) / DAY_MS} days before its end`);
      const left = Math.ceil((end - clock.now()) / 1000);
      if (givesCookie && seconds !== undefined) assert.ok(Number(seconds) <= Math.min(30 * 86_400, left));
    }
    // neither a restart nor a last use prolongs it
    first.store.stop();
    const second = setup(db, clock);
    use(second.store);
    assert.equal(second.store.list('usr_1')[0]?.expiresAt, new Date(Math.floor(end / 1000) * 1000).toISOString());
    clock.advance(end - clock.now() - 1000);
    assert.notEqual(use(second.store), false);
    clock.advance(1000);
    assert.equal(use(second.store), false, cookie);
    assert.deepEqual(second.store.list('usr_1'), []);
    second.store.stop();
  }
});

test('a shorter longest time ends older sessions with their next use, or with a restart', async () => {
  const { db, clock, store, open, limits } = setup();
  const value = await open('keep');
  clock.advance(10 * DAY_MS);
  limits.longestMs = 5 * DAY_MS;
  store.renewCookie(value);
  assert.equal(
    store.resolveCookie(value, () => FROM.ip),
    null,
  );
  store.stop();
  const later = setup(db, clock);
  assert.deepEqual(later.store.list('usr_1'), []);
  later.store.stop();
});
