// What apps used: from sessions that are kept, from days that are over, and from what nodes report.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { MonthUsageService } from '#daemon/operations/usage/service.ts';
import { ClockWatch } from '#daemon/platform/clock-watch.ts';
import type { Services } from '#daemon/start/services.ts';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { nodeHistory } from '#test/helpers/node-history.ts';
import { firstAdmin, MANY_ATTEMPTS, makeTeam } from '#test/helpers/people.ts';
import { addVods } from '#test/helpers/recordings.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** Usage of the daemon's apps by another clock. */
const usageAt = (
  { databases, apps }: Services,
  clock: ManualClock,
  comparedAt: () => number | null,
  retentionNow = () => clock.now(),
): MonthUsageService =>
  new MonthUsageService({
    ...{ databases, apps: apps.registry, background: testBackground(), clock, retentionNow, comparedAt },
    log: { warn() {} },
    visible: () => [],
    traffic: () => [],
  });

test('minutes by day and month, kept when the sessions are deleted; a table to bill from', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  await firstAdmin(daemon);
  const { owner } = await makeTeam(daemon, 'bills');
  assert.equal((await owner.api.post('/apps', { name: 'bills' })).status, 201);
  // a session of two days before midnight to after it; two were there for an hour each, one of them beyond midnight
  const midnight = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS;
  const db = daemon.services.databases.get('bills');
  db.prepare(
    `INSERT INTO room_sessions (id, sid, room, started_at, is_start_known, ended_at, stays, participants, closed_ms)
     VALUES (1, 'RM_a', 'bills-a', ?, 1, ?, 2, 2, ?), (2, 'RM_b', 'bills-b', ?, 1, ?, 1, 1, ?)`,
  ).run(
    midnight - 2 * HOUR_MS,
    midnight + HOUR_MS,
    2 * HOUR_MS,
    midnight + 2 * HOUR_MS,
    midnight + 3 * HOUR_MS,
    HOUR_MS,
  );
  const stay = db.prepare(
    `INSERT INTO room_stays (sid, session_id, identity, is_hidden, is_counted, has_published, joined_at, left_at, reason)
     VALUES (?, 1, ?, 0, 1, 0, ?, ?, 1)`,
  );
  stay.run('PA_1', 'ana', midnight - 2 * HOUR_MS, midnight - HOUR_MS);
  stay.run('PA_2', 'bob', midnight - HOUR_MS / 2, midnight + HOUR_MS / 2);
  addVods(daemon.dataDir, 'bills', [{}]);
  await daemon.services.monthUsage.roll();

  const of = async (at: number) => {
    const { days } = (await owner.api.get(`/apps/bills/usage?month=${dayOf(at).slice(0, 7)}`)).body.data;
    const { sessions, sessionMinutes, participantMinutes } = days.find(({ day }: any) => day === dayOf(at));
    return [sessions, sessionMinutes, participantMinutes];
  };
  const wanted = [
    [1, 120, 90],
    [1, 120, 90],
  ];
  assert.deepEqual([await of(midnight - DAY_MS), await of(midnight)], wanted);
  // the days stay known when the sessions are deleted
  db.exec('DELETE FROM room_sessions');
  await daemon.services.monthUsage.roll();
  assert.deepEqual([await of(midnight - DAY_MS), await of(midnight)], wanted);

  const month = dayOf(midnight).slice(0, 7);
  const { apps, teams, total } = (await owner.api.get(`/usage?month=${month}`)).body.data;
  assert.deepEqual([apps.length, apps[0].app, teams.length, teams[0].apps], [1, 'bills', 1, 1]);
  assert.deepEqual(total.participantMinutes, apps[0].participantMinutes);
  const all = (await daemon.api.get('/usage')).body.data;
  assert.deepEqual(all.apps.map(({ app }: any) => app).sort(), ['bills', 'live']);
  const csv = await daemon.api.get(`/usage/export?month=${month}`);
  assert.match(csv.headers.get('content-type') ?? '', /^text\/csv/);
  const newest = await daemon.api.get('/usage/export');
  assert.match(newest.headers.get('content-disposition') ?? '', /filename="usage-\d{4}-\d\d\.csv"/);
  const [head, ...lines] = csv.text.trimEnd().split('\r\n');
  assert.equal(head, 'month,team,app,sessions,sessionMinutes,participantMinutes,recordedMinutes,storedBytes');
  assert.match(lines.find((line) => line.includes(',bills,')) ?? '', new RegExp(`^${month},[^,]+,bills,\\d+,`));
  assert.equal((await daemon.api.get('/usage?month=2026-13')).status, 400);
  assert.deepEqual((await daemon.api.get('/usage?month=2025-01')).body.data.total.sessions, 0);
});

test('a clock that is a year ahead for a while ends no day, and days that were ended so are counted when they come', async (t) => {
  const { services } = await testDaemon(t);
  const { databases } = services;
  const clock = new ManualClock(Date.parse('2026-01-10T12:00:00Z'));
  const background = testBackground();
  const watch = new ClockWatch({ background, log: { warn() {} }, lastRun: clock.now(), noteRun() {}, clock });
  const { retentionNow } = watch;
  const usage = usageAt(services, clock, () => clock.now(), retentionNow);
  const db = databases.get('live');
  const open = db.prepare(
    `INSERT INTO room_sessions (sid, room, started_at, is_start_known, ended_at, stays, participants, closed_ms)
     VALUES (?, 'live-a', ?, 1, ?, 0, 0, 0)`,
  );
  /** A session of an hour that ends now. */
  const addSession = (sid: string) => open.run(sid, clock.now() - HOUR_MS, clock.now());
  const counted = async () => {
    const { days } = await usage.app('live', { month: '2026-01' });
    return Object.fromEntries(days.filter((day) => day.sessions > 0).map((day) => [day.day, day.sessionMinutes]));
  };
  addSession('RM_1');
  await usage.roll();
  clock.jump(365 * DAY_MS);
  await usage.roll();
  clock.jump(-365 * DAY_MS);
  const last = db.prepare('SELECT max(day) * 86400000 FROM usage_days').pluck();
  assert.equal(dayOf(last.get() as number), '2026-01-09');
  assert.deepEqual(await counted(), { '2026-01-10': 60 });

  // as kept by a daemon that believed such a clock
  for (let day = Math.floor(clock.now() / DAY_MS), end = day + 366; day < end; day += 1)
    db.prepare('INSERT INTO usage_days VALUES (?, 0, 0, 0, 0, NULL)').run(day);
  assert.deepEqual(await counted(), { '2026-01-10': 60 });
  for (const sid of ['RM_2', 'RM_3']) {
    await usage.roll();
    clock.advance(DAY_MS);
    addSession(sid);
  }
  await usage.roll();
  assert.deepEqual(await counted(), { '2026-01-10': 60, '2026-01-11': 60, '2026-01-12': 60 });
  // a clock that is behind deletes nothing of what was kept
  clock.jump(-2 * 365 * DAY_MS);
  await usage.roll();
  clock.jump(2 * 365 * DAY_MS);
  db.exec('DELETE FROM room_sessions');
  assert.deepEqual(await counted(), { '2026-01-10': 60, '2026-01-11': 60 });
});

test('a recording beyond midnight counts on each of its days, although it runs when the first one is closed', async (t) => {
  const { services, dataDir } = await testDaemon(t);
  const clock = new ManualClock(Date.parse('2026-03-01T00:20:00Z'));
  const usage = usageAt(services, clock, () => clock.now());
  const [vod] = addVods(dataDir, 'live', [{}]);
  const set = services.databases
    .get('live')
    .prepare('UPDATE vods SET status = ?, started_at = ?, duration_s = ? WHERE id = ?');
  const recorded = async () => {
    const minutes: (string | number)[] = [];
    for (const month of ['2026-02', '2026-03'])
      for (const { day, recordedMinutes } of (await usage.app('live', { month })).days)
        if (recordedMinutes > 0) minutes.push(day, recordedMinutes);
    return minutes;
  };
  set.run('recording', '2026-02-28T23:30:00.000Z', null, vod);
  await usage.roll();
  assert.deepEqual(await recorded(), ['2026-02-28', 30, '2026-03-01', 20]);
  clock.advance(2 * HOUR_MS);
  set.run('ready', '2026-02-28T23:30:00.000Z', 5400, vod);
  assert.deepEqual(await recorded(), ['2026-02-28', 30, '2026-03-01', 60]);
  clock.advance(DAY_MS);
  await usage.roll();
  set.run('ready', '2026-03-02T12:00:00.000Z', (3 * DAY_MS) / 1000, vod);
  clock.advance(5 * DAY_MS);
  await usage.roll();
  const days = ['2026-03-02', 720, '2026-03-03', 1440, '2026-03-04', 1440, '2026-03-05', 720];
  assert.deepEqual(await recorded(), ['2026-02-28', 30, '2026-03-01', 60, ...days]);
});

test('a day on which something seems to run waits for LiveKit, and counts it only as long as it was seen', async (t) => {
  const { services, dataDir, api } = await testDaemon(t);
  const db = services.databases.get('live');
  // seen until ten in the evening; the daemon starts two days later, and LiveKit is away
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const [vod] = addVods(dataDir, 'live', [{}]);
  const seen = (at: number) =>
    db.exec(`DELETE FROM room_sessions; DELETE FROM session_watch; DELETE FROM usage_days;
      INSERT INTO room_sessions (sid, room, started_at, is_start_known) VALUES ('RM_1', 'live-a', ${at - HOUR_MS}, 1);
      UPDATE vods SET status = 'recording', started_at = '${new Date(at - HOUR_MS).toISOString()}' WHERE id = ${vod};
      INSERT INTO session_watch (id, heard_at, listed_at) VALUES (1, ${at - HOUR_MS}, ${at})`);
  seen(today - DAY_MS - 2 * HOUR_MS);
  await services.monthUsage.roll();
  const minutes: number[] = [];
  for (const at of [today - 2 * DAY_MS, today - DAY_MS]) {
    const { days } = (await api.get(`/apps/live/usage?month=${dayOf(at).slice(0, 7)}`)).body.data;
    const { sessionMinutes, recordedMinutes } = days.find(({ day }: any) => day === dayOf(at));
    minutes.push(sessionMinutes, recordedMinutes);
  }
  assert.deepEqual(minutes, [60, 60, 0, 0]);

  const clock = new ManualClock(today + HOUR_MS);
  let comparedAt: number | null = null;
  const usage = usageAt(services, clock, () => comparedAt);
  const closed = () => db.prepare('SELECT day, session_ms, recorded_s FROM usage_days').raw().all();
  const day = today / DAY_MS - 1;
  seen(today - 2 * HOUR_MS);
  await usage.roll();
  assert.deepEqual(closed(), []);
  // it still ran
  comparedAt = clock.now();
  await usage.roll();
  assert.deepEqual(closed(), [[day, 3 * HOUR_MS, 3 * 3600]]);
  // LiveKit stays away
  seen(today - 2 * HOUR_MS);
  comparedAt = today - HOUR_MS;
  clock.advance(20 * HOUR_MS);
  await usage.roll();
  assert.deepEqual(closed(), [[day, 2 * HOUR_MS, 2 * 3600]]);
});

test('what nodes sent is added up by day, each minute once', async (t) => {
  const dataDir = await temporaryDir(t);
  await mkdir(path.join(dataDir, 'data'), { recursive: true });
  const today = Math.floor(Date.now() / DAY_MS);
  const minute = today * 1440;
  const file = nodeHistory(dataDir);
  const row = (at: number, tx: number) => ({ subject: 'node-1', minute: at, tx, rx: 10 });
  file.write(row(minute - 1, 500));
  file.write(row(minute, 1000));
  // written again after a failure
  file.write(row(minute, 1000), row(minute + 1, 2000));
  file.close();
  const daemon = await testDaemon(t, {}, { dataDir });
  const day = dayOf(today * DAY_MS);
  const { nodes } = (await daemon.api.get(`/usage/nodes?month=${day.slice(0, 7)}`)).body.data;
  assert.deepEqual(
    nodes.map(({ node, days }: any) => [node, days.at(-1)]),
    [['node-1', { day, sentBytes: 180_000, receivedBytes: 1200 }]],
  );
});
