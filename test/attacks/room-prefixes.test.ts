import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { AppFiles, nextEvent } from '#test/helpers/config.ts';
import { type Answer, blockScope, Client, type TestDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { firstAdmin, MANY_ATTEMPTS, makeTeam } from '#test/helpers/people.ts';
import { until } from '#test/helpers/until.ts';

const scope = blockScope();

const ENV = {
  ...MANY_ATTEMPTS,
  LIVEKIT_API_KEY: 'key',
  LIVEKIT_API_SECRET: 'secret-of-thirty-two-characters-x',
};
/** What a team that uses `concerts-main` keeps from others; `concerts-main2`, `concert` and `concerts-mai` are free. */
const OVERLAPS = ['concerts-main', 'concerts', 'concerts-main-1', 'concerts-main-', 'concerts-main--x'];
const text = (app: string, prefix: string) => `name: ${app}\nroom_prefix: ${prefix}\ntranscoding: {}\n`;

async function twoTeams(daemon: TestDaemon): Promise<{ victim: Client; attacker: Client }> {
  await firstAdmin(daemon);
  const victim = (await makeTeam(daemon, 'victims', { maxApps: -1 })).owner.api;
  const attacker = (await makeTeam(daemon, 'attackers', { maxApps: -1 })).owner.api;
  return { victim, attacker };
}

describe('the rooms of another team cannot be taken', () => {
  let daemon: TestDaemon;
  let victim: Client;
  let attacker: Client;
  let names = 0;
  const mine = async (): Promise<string> => {
    const name = `mine${++names}`;
    assert.equal((await attacker.post('/apps', { name })).status, 201);
    return name;
  };
  const refused = ({ status, body, text: answer }: Answer): void => {
    assert.deepEqual([status, body.code], [409, 'ROOM_PREFIX_TAKEN'], answer);
    assert.doesNotMatch(answer, /secret-show/, 'the other app stays unnamed');
  };

  before(async () => {
    daemon = await testDaemon(scope, ENV);
    ({ victim, attacker } = await twoTeams(daemon));
    assert.equal((await victim.post('/apps', { name: 'secret-show', roomPrefix: 'concerts-main' })).status, 201);
  });

  for (const prefix of [...OVERLAPS, 'live', 'live-x', ' CONCERTS ']) {
    test(`when an app is created with ${JSON.stringify(prefix)}`, async () => {
      refused(await attacker.post('/apps', { name: `new${++names}`, roomPrefix: prefix }));
    });
  }

  for (const prefix of [...OVERLAPS, 'live', 'live-x']) {
    test(`by a change to ${prefix}`, async () => {
      const app = await mine();
      refused(await attacker.patch(`/apps/${app}`, { roomPrefix: prefix }));
      refused(await attacker.put(`/apps/${app}/config/raw`, { yaml: text(app, prefix) }));
      const check = await attacker.post(`/apps/${app}/config/raw/validate`, { yaml: text(app, prefix) });
      assert.deepEqual([check.body.data.valid, check.body.data.diagnostics[0].code], [false, 'prefix-taken']);
      assert.equal((await attacker.get(`/apps/${app}`)).body.livekitRoomPrefix, app);
    });

    test(`by hand, with ${prefix} in the file`, async () => {
      const app = await mine();
      await attacker.get(`/apps/${app}/config/raw`);
      const noticed = nextEvent(daemon, 'config.invalid', app);
      await new AppFiles(daemon, app).write(text(app, prefix));
      await noticed;
      const record = (await attacker.get(`/apps/${app}`)).body;
      assert.equal(record.livekitRoomPrefix, app);
      assert.equal(record.problems[0].code, 'CONFIG_INVALID');
      assert.match(record.problems[0].message, /room_prefix/);
      // a preset leaves the prefix alone and meets the fault of the file
      assert.ok((await attacker.post(`/apps/${app}/presets/low-latency/apply`)).status >= 400);
      assert.equal(daemon.services.apps.registry.forRoom('concerts-main-1')?.name, 'secret-show');
    });
  }

  test('by going back to a prefix that another team has taken since', async () => {
    const app = await mine();
    const raw = `/apps/${app}/config/raw`;
    assert.equal((await attacker.put(raw, { yaml: text(app, 'opera') })).status, 200);
    assert.equal((await attacker.put(raw, { yaml: text(app, 'ballet') })).status, 200);
    // it is held for the attacker's team until an operator frees it
    refused(await victim.post('/apps', { name: 'the-opera', roomPrefix: 'opera-house' }));
    assert.equal((await daemon.api.delete('/room-prefixes/held/opera')).status, 204);
    assert.equal((await victim.post('/apps', { name: 'the-opera', roomPrefix: 'opera-house' })).status, 201);
    const { data } = (await attacker.get(`/apps/${app}/config/backups`)).body;
    refused(await attacker.post(`/apps/${app}/config/backups/${data[0].ts}/revert`));
    assert.equal((await attacker.get(`/apps/${app}`)).body.livekitRoomPrefix, 'ballet');
  });

  test('at the same moment: exactly one of two overlapping claims wins', async () => {
    for (let round = 0; round < 10; round++) {
      const wanted = `race${round}`;
      const app = await mine();
      const answers = await Promise.all([
        victim.post('/apps', { name: `victim-${wanted}`, roomPrefix: wanted }),
        attacker.post('/apps', { name: `attacker-${wanted}`, roomPrefix: `${wanted}-deep` }),
        attacker.patch(`/apps/${app}`, { roomPrefix: `${wanted}-deep-down` }),
      ]);
      const [theirs, ...ours] = answers.map(({ status }) => status < 300);
      assert.ok(theirs ? !ours.includes(true) : ours.includes(true), answers.map(({ status }) => status).join());
    }
  });

  test('a prefix that was given up is held for its team, against every way to take it', async () => {
    const wanted = (way: string) => [`tour${way}`, `tour${way}-west-1`, `tour${way}-west`];
    assert.equal((await victim.post('/apps', { name: 'tour-a', roomPrefix: 'toura-west' })).status, 201);
    assert.equal((await victim.post('/apps', { name: 'tour-b', roomPrefix: 'tourb-west' })).status, 201);
    assert.equal((await victim.patch('/apps/tour-a', { roomPrefix: 'elsewhere' })).status, 200);
    assert.equal((await victim.delete('/apps/tour-b')).status, 200);
    const app = await mine();
    for (const way of ['a', 'b']) {
      for (const prefix of wanted(way)) {
        const created = await attacker.post('/apps', { name: `new${++names}`, roomPrefix: prefix });
        refused(created);
        assert.match(created.body.message, /given up by another team and is kept for it until 20/);
        refused(await daemon.api.post('/apps', { name: `new${++names}`, roomPrefix: prefix }));
        refused(await attacker.patch(`/apps/${app}`, { roomPrefix: prefix }));
        refused(await attacker.put(`/apps/${app}/config/raw`, { yaml: text(app, prefix) }));
        const noticed = nextEvent(daemon, 'config.invalid', app);
        await new AppFiles(daemon, app).write(text(app, prefix));
        await noticed;
        assert.ok((await attacker.post(`/apps/${app}/presets/low-latency/apply`)).status >= 400);
        assert.equal((await attacker.put(`/apps/${app}/config/raw`, { yaml: text(app, app) })).status, 200);
      }
    }
    for (const free of ['toura-westend', 'tourb-wes'])
      assert.equal((await attacker.post('/apps', { name: `new${++names}`, roomPrefix: free })).status, 201, free);
    // only operators see and end what is held
    assert.equal((await attacker.get('/room-prefixes/held')).status, 403);
    assert.equal((await attacker.delete('/room-prefixes/held/toura-west')).status, 403);
    const list = (await daemon.api.get('/room-prefixes/held')).body.data as Record<string, string>[];
    const days = (prefix: string): number => {
      const { releasedAt = '', heldUntil = '' } = list.find((one) => one['prefix'] === prefix) ?? {};
      return (Date.parse(heldUntil) - Date.parse(releasedAt)) / 86_400_000;
    };
    assert.deepEqual(['toura-west', 'tourb-west'].map(days), [31, 31], 'longer than any join token: 30 days');
    // the team itself gets it back, by a new app and by going back to a backup
    assert.equal((await victim.post('/apps', { name: 'tour-c', roomPrefix: 'tourb-west-1' })).status, 201);
    const [backup] = (await victim.get('/apps/tour-a/config/backups')).body.data;
    assert.equal((await victim.post(`/apps/tour-a/config/backups/${backup.ts}/revert`)).status, 200);
    assert.equal((await victim.get('/apps/tour-a')).body.livekitRoomPrefix, 'toura-west');
    // an operator frees one early
    assert.equal((await daemon.api.delete('/room-prefixes/held/elsewhere')).status, 204);
    assert.equal((await daemon.api.delete('/room-prefixes/held/elsewhere')).body.code, 'PREFIX_NOT_HELD');
    assert.equal((await attacker.post('/apps', { name: 'free-elsewhere', roomPrefix: 'elsewhere' })).status, 201);
  });

  test('by going back to a prefix that a deleted app of another team had', async () => {
    const app = await mine();
    const raw = `/apps/${app}/config/raw`;
    assert.equal((await attacker.put(raw, { yaml: text(app, 'jazz') })).status, 200);
    assert.equal((await attacker.put(raw, { yaml: text(app, 'blues') })).status, 200);
    assert.equal((await daemon.api.delete('/room-prefixes/held/jazz')).status, 204);
    assert.equal((await victim.post('/apps', { name: 'jazz-club', roomPrefix: 'jazz-club' })).status, 201);
    assert.equal((await victim.delete('/apps/jazz-club')).status, 200);
    const { data } = (await attacker.get(`/apps/${app}/config/backups`)).body;
    refused(await attacker.post(`/apps/${app}/config/backups/${data[0].ts}/revert`));
    // another app with an earlier text: the same check, also in the validation
    const check = await attacker.post(`${raw}/validate`, { yaml: text(app, 'jazz') });
    assert.deepEqual([check.body.data.valid, check.body.data.diagnostics[0].code], [false, 'prefix-taken']);
  });

  test('what only looks alike is free, and nesting within a team too', async () => {
    for (const prefix of ['concert', 'concerts-mai', 'concerts-main2', 'lives'])
      assert.equal((await attacker.post('/apps', { name: `free-${prefix}`, roomPrefix: prefix })).status, 201, prefix);
    assert.equal((await victim.post('/apps', { name: 'nested', roomPrefix: 'concerts-main-vip' })).status, 201);
    assert.equal(daemon.services.apps.registry.forRoom('concerts-main-vip-1')?.name, 'nested');
    assert.equal((await victim.post('/apps', { name: 'again', roomPrefix: 'concerts-main' })).status, 409);
  });

  test('the names of apps stay unknown', async () => {
    const { status, text: answer } = await attacker.post('/apps', { name: 'secret--show', roomPrefix: 'free' });
    assert.equal(status, 409);
    assert.doesNotMatch(answer, /secret-show/);
  });

  test('`live` is the platform’s also while there is no such app', async () => {
    assert.equal((await daemon.api.delete('/apps/live')).status, 200);
    refused(await attacker.post('/apps', { name: 'live' }));
    refused(await attacker.post('/apps', { name: 'tv-1', roomPrefix: 'live-tv' }));
    assert.equal((await daemon.api.post('/apps', { name: 'tv-1', roomPrefix: 'live-tv' })).status, 201);
    assert.equal((await daemon.api.post('/apps', { name: 'live' })).status, 201);
  });
});

test('overlaps from before are reported, the older app keeps the rooms, and the younger can make way', async (t) => {
  const dataDir = await temporaryDir(t);
  const first = await testDaemon(t, ENV, { dataDir });
  const { victim, attacker } = await twoTeams(first);
  await victim.post('/apps', { name: 'concerts' });
  await attacker.post('/apps', { name: 'thief' });
  await victim.post('/apps', { name: 'gone' });
  assert.equal((await victim.delete('/apps/gone')).status, 200);
  await first.stop();
  await new AppFiles(first, 'thief').write(text('thief', 'concerts-main'));
  const db = new Database(path.join(dataDir, 'data/streamhub.db'));
  db.prepare("UPDATE apps SET livekit_room_prefix = 'concerts-main' WHERE name = 'thief'").run();
  db.close();

  const daemon = await testDaemon(t, { ...ENV, LOG_LEVEL: 'warn' }, { dataDir });
  const [holder, thief] = [victim, attacker].map(({ token }) => new Client(daemon.url, token)) as [Client, Client];
  assert.equal(daemon.services.apps.registry.forRoom('concerts-main-1')?.name, 'concerts');
  assert.equal((await holder.post('/apps/concerts/tokens', { room: 'concerts-main' })).status, 201);
  assert.equal((await thief.post('/apps/thief/tokens', {})).status, 400);
  assert.equal((await thief.post('/apps/thief/tokens', { room: 'x' })).status, 400);
  const record = (await thief.get('/apps/thief')).body;
  assert.equal(record.problems[0].code, 'ROOM_PREFIX_OVERLAPS');
  assert.ok(!record.problems[0].message.includes('concerts,'));
  assert.equal((await holder.get('/apps/concerts')).body.problems, undefined);
  await until('the overlap is in the log', async () => {
    const [line] = (await daemon.api.get('/logs?q=overlapping%20room%20prefixes')).body.data;
    return line !== undefined && JSON.parse(line.metaJson).olderApp === 'concerts';
  });
  assert.equal((await thief.post('/apps', { name: 'gone-too' })).body.code, 'ROOM_PREFIX_TAKEN', 'held over a restart');
  // other settings can still be changed, and another prefix ends it
  assert.equal((await thief.patch('/apps/thief', { displayName: 'Sorry' })).status, 200);
  assert.equal((await thief.patch('/apps/thief', { roomPrefix: 'mine' })).status, 200);
  assert.equal((await thief.get('/apps/thief')).body.problems, undefined);
});
