// Sessions from LiveKit's events: real recordings of them, and made ones, in any order and more than once.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { endLife, SessionRecorder } from '#daemon/media/sessions/recorder.ts';
import { sessionRepository } from '#daemon/media/sessions/repository.ts';
import { completeConfig } from '#shared/config/defaults.ts';
import { type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { livekitFixture, replay, upsets } from '#test/helpers/livekit-fixtures.ts';
import { LIVEKIT_KEYS, sendWebhook } from '#test/helpers/livekit-webhook.ts';
import { until } from '#test/helpers/until.ts';

const ENV = { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' };
/** An hour ago, so that the times of events are what LiveKit says, and not the moment of their arrival. */
const BEGIN = Math.floor(Date.now() / 1000) - 3600;
const instant = (seconds: number): string => new Date((BEGIN + seconds) * 1000).toISOString();

let counter = 0;
/** An event so many seconds after the beginning, as LiveKit writes it. */
function told(name: string, at: number, parts: Record<string, any> = {}): object {
  const { life = 'RM_one', begun = 0, room = 'live-show', who, joined, ...more } = parts;
  const isBrief = name.startsWith('track_');
  counter += 1;
  return {
    event: name,
    id: `EV_sessions_${counter}`,
    createdAt: String(BEGIN + at),
    room: { name: room, sid: life, ...(isBrief ? {} : { creationTimeMs: String((BEGIN + begun) * 1000) }) },
    ...(who === undefined
      ? {}
      : {
          participant: {
            sid: `PA_${who}`,
            identity: String(who).split('_')[0],
            ...(isBrief
              ? {}
              : { name: `Name of ${who}`, kind: 'STANDARD', joinedAtMs: String((BEGIN + joined) * 1000) }),
            ...more['person'],
          },
        }),
    ...(more['track'] === undefined ? {} : { track: more['track'] }),
  };
}

const CAMERA = { sid: 'TR_cam', type: 'VIDEO', source: 'CAMERA', mimeType: 'video/VP8', width: 640, height: 360 };
/** Ana publishes; Bob watches and comes back; a hidden one, a recorder and an agent don't count; then the room lives again. */
const SHOW = [
  told('room_started', 0),
  told('participant_joined', 1, { who: 'ana', joined: 1 }),
  told('track_published', 2, { who: 'ana', track: CAMERA }),
  told('participant_joined', 10, { who: 'bob', joined: 10 }),
  told('participant_joined', 11, { who: 'eye', joined: 11, person: { permission: { hidden: true } } }),
  told('participant_joined', 12, { who: 'EG', joined: 12, person: { kind: 'EGRESS' } }),
  told('participant_joined', 13, { who: 'bot', joined: 13, person: { kind: 'AGENT' } }),
  told('participant_left', 40, { who: 'bob', joined: 10, person: { disconnectReason: 'CONNECTION_TIMEOUT' } }),
  told('participant_joined', 50, { who: 'bob_2', joined: 50 }),
  told('participant_joined', 55, { who: 'cat', joined: 55 }),
  told('track_unpublished', 100, { who: 'ana', track: CAMERA }),
  told('participant_left', 110, { who: 'ana', joined: 1, person: { disconnectReason: 'CLIENT_INITIATED' } }),
  told('participant_left', 112, { who: 'bob_2', joined: 50, person: { disconnectReason: 'PARTICIPANT_REMOVED' } }),
  told('room_finished', 120),
  told('room_started', 200, { life: 'RM_two', begun: 200 }),
  told('participant_joined', 201, { life: 'RM_two', begun: 200, who: 'ana_2', joined: 201 }),
];

async function withoutIds(daemon: TestDaemon, app = 'live'): Promise<unknown> {
  const { body } = await daemon.api.get(`/apps/${app}/sessions`);
  const sessions = [];
  for (const session of body.data) {
    // one that runs has the length of now
    const { id, durationSeconds, participantSeconds, ...row } = session;
    const detail = (await daemon.api.get(`/apps/${app}/sessions/${id}`)).body;
    const lengths = row.endedAt === null ? {} : { durationSeconds, participantSeconds };
    const stays = detail.stays.data.map(({ id: _id, ...stay }: any) => stay);
    stays.sort((a: any, b: any) => (a.sid < b.sid ? -1 : 1));
    sessions.push({ ...row, ...lengths, stays });
  }
  return sessions;
}

/** Peaks are counted a moment after the end. */
const peakIs = (daemon: TestDaemon, sid: string, peak: number) =>
  until(
    `the peak of ${sid} is ${peak}`,
    async () => (await daemon.api.get(`/apps/live/sessions/${sid}`)).body.peak === peak,
  );

async function sent(t: TestContext, order: readonly number[]): Promise<TestDaemon> {
  const daemon = await testDaemon(t, ENV);
  for (const index of order) assert.equal((await sendWebhook(daemon.url, SHOW[index] as object)).status, 200);
  await peakIs(daemon, 'RM_one', 3);
  return daemon;
}

test('events in any order, doubled and all together end in the same sessions', async (t) => {
  const { reversed, doubled, shuffled } = upsets(SHOW.length, 7);
  const straight = await sent(t, [...SHOW.keys()]);
  const [first, second] = ((await straight.api.get('/apps/live/sessions')).body.data as any[]).toReversed();
  assert.deepEqual(
    [first.room, first.startedAt, first.endedAt, first.durationSeconds, first.startKnown, first.endedBetween],
    ['live-show', instant(0), instant(120), 120, true, null],
  );
  // bob came twice; cat was there when the room closed
  assert.deepEqual(
    [first.participants, first.connections, first.publishers, first.peak, first.errors],
    [3, 4, 1, 3, 1],
  );
  assert.equal(first.participantSeconds, 109 + 30 + 62 + 65);
  assert.deepEqual([second.roomSid, second.endedAt, second.participants, second.peak], ['RM_two', null, 1, 1]);

  const detail = (await straight.api.get(`/apps/live/sessions/${first.id}`)).body;
  const stay = (sid: string) => detail.stays.data.find((one: any) => one.sid === sid);
  assert.deepEqual(
    [stay('PA_bob').reason, stay('PA_bob').reasonText, stay('PA_bob').isFault, stay('PA_bob').leftAt],
    ['connection_timeout', 'The connection was lost.', true, instant(40)],
  );
  assert.deepEqual(
    [stay('PA_eye').counted, stay('PA_eye').hidden, stay('PA_EG').kind, stay('PA_bot').counted],
    [false, true, 'egress', false],
  );
  assert.deepEqual(
    [stay('PA_cat').leftAt, stay('PA_cat').reason, stay('PA_ana').name],
    [instant(120), 'unknown', 'Name of ana'],
  );
  const [camera] = stay('PA_ana').tracks;
  assert.deepEqual(
    [camera.kind, camera.source, camera.codec, camera.width, camera.height, camera.startedAt, camera.endedAt],
    ['video', 'camera', 'VP8', 640, 360, instant(2), instant(100)],
  );

  const wanted = await withoutIds(straight);
  const others = await Promise.all([
    sent(t, reversed),
    sent(t, doubled),
    sent(t, [...shuffled, ...reversed]),
    (async () => {
      const daemon = await testDaemon(t, ENV);
      await Promise.all([...SHOW, ...SHOW].map((one) => sendWebhook(daemon.url, one)));
      await peakIs(daemon, 'RM_one', 3);
      return daemon;
    })(),
  ]);
  for (const daemon of others) assert.deepEqual(await withoutIds(daemon), wanted);
});

test('time that nobody knows about counts nowhere: not in sessions, nor in exports, figures and usage', async (t) => {
  const daemon = await testDaemon(t, ENV);
  await sendWebhook(daemon.url, told('room_started', 0));
  await sendWebhook(daemon.url, told('participant_joined', 0, { who: 'ana', joined: 0 }));
  await sendWebhook(daemon.url, told('participant_joined', 0, { who: 'bob', joined: 0 }));
  // found 1000 seconds later: bob is gone, then the room; nothing was heard after the first 100 and 200 seconds
  const db = daemon.services.databases.get('live');
  const sql = sessionRepository(db);
  const at = (seconds: number): number => (BEGIN + seconds) * 1000;
  const recorder = new SessionRecorder({ identities: null as never, nodeOf: () => null });
  const tx = { db, config: completeConfig({}, 'live'), owner: { appId: 1 }, now: at(1000) };
  const ana = {
    ...{
      sid: 'PA_ana',
      identity: 'ana',
      name: '',
      kind: 0,
      isHidden: false,
      isPublisher: false,
      hasTimedOut: false,
      region: '',
    },
    ...{ reason: 0, joinedAt: at(0), tracks: [], published: [] },
  };
  const life = { name: 'live-show', sid: 'RM_one', createdAt: at(0) };
  recorder.list(tx, life, [ana], { asked: at(1000), lastStay: 9, from: at(100) });
  endLife(tx, sql.bySid('RM_one') as never, at(1000), at(200));

  const row = (await daemon.api.get('/apps/live/sessions')).body.data[0];
  assert.deepEqual(row.endedBetween, { from: instant(200), to: instant(1000) });
  assert.deepEqual([row.durationSeconds, row.participantSeconds], [200, 300]);
  const file = (await daemon.api.get('/apps/live/sessions/export?format=jsonl')).text;
  assert.deepEqual([JSON.parse(file).durationSeconds, JSON.parse(file).participantSeconds], [200, 300]);
  const [columns = '', cells = ''] = (await daemon.api.get('/apps/live/sessions/export')).text.split('\r\n');
  assert.equal(cells.split(',')[columns.split(',').indexOf('participantSeconds')], '300');
  assert.equal((await daemon.api.get('/sessions/figures')).body.data.total.participantMinutes, 5);
  const months = new Set([instant(0), instant(200)].map((one) => one.slice(0, 7)));
  let [session, participants] = [0, 0];
  for (const month of months) {
    const { total } = (await daemon.api.get(`/apps/live/usage?month=${month}`)).body.data;
    session += total.sessionMinutes;
    participants += total.participantMinutes;
  }
  assert.deepEqual([session, participants], [3.33, 5]);
});

test('who comes after the end of the room by LiveKit’s times leaves when it comes, and takes no time from others', async (t) => {
  const daemon = await testDaemon(t, ENV);
  for (const one of [
    told('participant_joined', 10, { who: 'ana', joined: 10 }),
    told('room_finished', 60),
    told('participant_joined', 70, { who: 'bob', joined: 70 }),
  ])
    await sendWebhook(daemon.url, one);
  const { participantSeconds, endedAt, stays } = (await daemon.api.get('/apps/live/sessions/RM_one')).body;
  assert.deepEqual([participantSeconds, endedAt], [50, instant(60)]);
  assert.deepEqual(
    stays.data.map(({ joinedAt, leftAt }: any) => [joinedAt, leftAt]),
    [
      [instant(10), instant(60)],
      [instant(70), instant(70)],
    ],
  );
});

test('filters, pages, a person, figures and exports', async (t) => {
  const daemon = await sent(t, [...SHOW.keys()]);
  const list = async (query: string) => {
    const answer = await daemon.api.get(`/apps/live/sessions?${query}`);
    assert.equal(answer.status, 200, answer.text);
    return (answer.body.data as any[]).map(({ roomSid }) => roomSid);
  };
  assert.deepEqual(await list(''), ['RM_two', 'RM_one']);
  for (const [query, found] of [
    ['room=live-show', 2],
    ['room=live', 0],
    ['q=live-s', 2],
    ['q=bo', 1],
    ['q=ob', 0],
    ['identity=ana', 2],
    ['identity=an', 0],
    ['errors=true', 1],
    ['running=true', 1],
    ['running=true&errors=true', 0],
    [`since=${instant(150)}`, 1],
    [`until=${instant(150)}&identity=cat&q=live`, 1],
    ['limit=1&offset=1', 1],
  ] as const)
    assert.equal((await list(query)).length, found, query);
  const paged = (await daemon.api.get('/apps/live/sessions/RM_one?limit=2&offset=2')).body;
  assert.deepEqual([paged.stays.data.length, paged.stays.total], [2, 7]);
  assert.equal((await daemon.api.get('/apps/live/sessions/RM_one?q=Name%20of%20bob')).body.stays.total, 2);
  assert.deepEqual(
    (await daemon.api.get('/apps/live/sessions/RM_one?faults=true')).body.stays.data.map(({ sid }: any) => sid),
    ['PA_bob'],
  );
  const nothing = await daemon.api.get('/apps/live/sessions/RM_none');
  assert.deepEqual([nothing.status, nothing.body.code], [404, 'SESSION_UNKNOWN']);
  assert.equal((await daemon.api.get('/apps/live/sessions?limit=1001')).status, 400);
  assert.equal((await daemon.api.get('/sessions?offset=10001')).status, 400);

  const person = (await daemon.api.get('/apps/live/sessions/people?identity=ana')).body;
  assert.deepEqual(
    person.data.map((stay: any) => [stay.sid, stay.session.roomSid]),
    [
      ['PA_ana_2', 'RM_two'],
      ['PA_ana', 'RM_one'],
    ],
  );

  const all = (await daemon.api.get('/sessions?limit=1')).body;
  assert.deepEqual([all.data[0].app, all.data[0].roomSid, all.more], ['live', 'RM_two', true]);
  assert.equal((await daemon.api.get('/sessions?app=other')).body.data.length, 0);
  const figures = (await daemon.api.get('/sessions/figures')).body.data;
  assert.equal(figures.days.length, 14);
  assert.deepEqual(
    [figures.total.sessions, figures.total.participants, figures.total.peak, figures.total.errors],
    [2, 4, 3, 1],
  );
  assert.deepEqual(
    figures.rooms.map(({ app, room, sessions }: any) => [app, room, sessions]),
    [['live', 'live-show', 2]],
  );
  assert.deepEqual((await daemon.api.get('/apps/live/sessions/figures')).body.data.total, figures.total);

  assert.deepEqual(figures.running, { sessions: 1, participants: 1 });

  const search = async (q: string) => (await daemon.api.get(`/search?q=${q}`)).body.data;
  const bob = await search('BOB');
  assert.deepEqual([bob.apps, bob.rooms, bob.more], [[], [], false]);
  assert.deepEqual(
    bob.people.map(({ app, identity, present, room }: any) => [app, identity, present, room]),
    [['live', 'bob', false, 'live-show']],
  );
  for (const q of ['live-sh', 'sho', 'OW', 'Show']) {
    const { rooms } = await search(q);
    assert.deepEqual(
      rooms.map(({ app, room, open }: any) => [app, room, open]),
      [['live', 'live-show', true]],
      q,
    );
  }
  assert.deepEqual((await search('an')).people[0].present, true);
  assert.deepEqual((await search('IV')).apps, [{ app: 'live' }]);
  assert.deepEqual(await search('nobody-is-called-this'), { apps: [], rooms: [], people: [], more: false });
  assert.equal((await daemon.api.get('/search?q=')).status, 400);
  assert.equal((await daemon.api.get('/search')).status, 400);

  const file = async (query: string) => daemon.api.get(`/apps/live/sessions/export?${query}`);
  const csv = await file('of=participants&room=live-show');
  assert.match(csv.headers.get('content-type') ?? '', /^text\/csv/);
  const lines = csv.text.trimEnd().split('\r\n');
  assert.equal(lines.length, 9);
  assert.match(lines[0] as string, /^app,session,room,roomSid,sessionStartedAt,sid,identity,name,kind/);
  // a program that reads it finds its columns also on a quiet day
  assert.equal((await file('of=participants&room=nothing')).text, `${lines[0]}\r\n`);
  // a refusal isn’t sent as a file, and every name can be in it
  for (const name of ['nobody', 'каша']) {
    const refused = await daemon.api.get(`/apps/${encodeURIComponent(name)}/sessions/export`);
    assert.deepEqual([refused.status, refused.body.code], [404, 'APP_NOT_FOUND']);
    assert.equal(refused.headers.get('content-disposition'), null);
  }
  assert.match(
    (await file('room=nothing')).text,
    /^id,app,room,roomSid,node,[\w,]+,endedAt,endedNotBefore,[\w,]+,errors\r\n$/,
  );
  const rows = (await file('format=jsonl&errors=true')).text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    rows.map(({ roomSid, participants }) => [roomSid, participants]),
    [['RM_one', 3]],
  );
});

test('analytics of the config: off, hashed, none; recordings and ingests belong to their session', async (t) => {
  const daemon = await testDaemon(t, ENV);
  const configure = async (app: string, analytics: string) => {
    if ((await daemon.api.get(`/apps/${app}`)).status === 404)
      assert.equal((await daemon.api.post('/apps', { name: app })).status, 201);
    const { yaml } = (await daemon.api.get(`/apps/${app}/config/raw`)).body.data;
    const text = `${yaml.replace(/^analytics:.*\n(?: .*\n)*/m, '')}\nanalytics: ${analytics}\n`;
    const put = await daemon.api.put(`/apps/${app}/config/raw`, { yaml: text });
    assert.equal(put.status, 200, put.text);
  };
  await configure('live', '{ enabled: false }');
  await configure('hash', '{ identities: hashed }');
  await configure('none', '{ identities: none }');
  for (const app of ['live', 'hash', 'none'])
    for (const [n, name] of ['=ana', 'bob'].entries())
      await sendWebhook(
        daemon.url,
        told('participant_joined', n, { room: `${app}-a`, life: `RM_${app}`, who: `${name}`, joined: n }),
      );
  assert.equal((await daemon.api.get('/apps/live/sessions')).body.total, 0);
  const [hashed, none] = await Promise.all(
    ['hash', 'none'].map(async (app) => (await daemon.api.get(`/apps/${app}/sessions/RM_${app}`)).body),
  );
  assert.match(hashed.stays.data[0].identity, /^h-[0-9a-f]{32}$/);
  assert.deepEqual([hashed.participants, none.participants], [2, 2]);
  for (const stay of [...hashed.stays.data, ...none.stays.data]) assert.equal(stay.name, null);
  assert.equal(none.stays.data[0].identity, null);
  assert.equal((await daemon.api.get('/apps/hash/sessions?identity=bob')).body.total, 1);
  const ofBob = async () => (await daemon.api.get('/apps/hash/sessions/people?identity=bob')).body.total;
  assert.equal(await ofBob(), 1);
  await configure('hash', '{ identities: full }');
  await sendWebhook(
    daemon.url,
    told('participant_joined', 5, { room: 'hash-a', life: 'RM_later', who: 'bob_2', joined: 5 }),
  );
  assert.equal(await ofBob(), 2, 'kept as a hash and in full');

  await configure('ing', '{}');
  assert.deepEqual([...new Set(await replay(daemon.url, await livekitFixture('ingress-rtmp')))], [200]);
  const ingests = (await daemon.api.get('/apps/ing/sessions')).body.data;
  const { id } = ingests.at(-1);
  const camera = (await daemon.api.get(`/apps/ing/sessions/${id}`)).body;
  assert.ok(camera.ingests.length > 0);
  assert.deepEqual(
    [camera.ingests[0].type, camera.ingests[0].identity, camera.ingests[0].endedAt !== null],
    ['rtmp', 'enc1', true],
  );
  assert.equal(camera.stays.data.find((stay: any) => stay.kind === 'ingress')?.published, true);
  await configure('flt', '{}');
  assert.deepEqual([...new Set(await replay(daemon.url, await livekitFixture('egress-upload-refused')))], [200]);
  const failed = (await daemon.api.get('/apps/flt/sessions?errors=true')).body.data;
  assert.equal(failed.length, 1);
  const session = (await daemon.api.get(`/apps/flt/sessions/${failed[0].id}`)).body;
  assert.deepEqual(
    session.recordings.map(({ status }: any) => status),
    ['failed'],
  );
  assert.ok(session.events.some((one: any) => one.isError && one.kind === 'recording_failed'));
});

test('what is older than analytics.retention_days is deleted with all that belongs to it; what runs stays', async (t) => {
  const daemon = await testDaemon(t, ENV);
  const DAYS = -3 * 86_400;
  const who = { who: 'ana', joined: DAYS, begun: DAYS };
  for (const life of ['RM_old', 'RM_long']) {
    const person = { ...who, who: `ana_${life}`, life, room: `live-${life.toLowerCase()}` };
    await sendWebhook(daemon.url, told('participant_joined', DAYS, person));
    await sendWebhook(
      daemon.url,
      told('track_published', DAYS + 1, { ...person, track: { ...CAMERA, sid: `TR_${life}` } }),
    );
  }
  await sendWebhook(daemon.url, told('room_finished', DAYS + 60, { life: 'RM_old', begun: DAYS, room: 'live-rm_old' }));
  await sendWebhook(daemon.url, told('room_started', 0, { life: 'RM_new' }));
  const db = daemon.services.databases.get('live');
  db.exec("INSERT INTO stay_samples (stay_id, slot, figures) SELECT id, 1, '{}' FROM room_stays");
  const { yaml } = (await daemon.api.get('/apps/live/config/raw')).body.data;
  const short = `${yaml.replace(/^analytics:.*\n(?: .*\n)*/m, '')}\nanalytics: { retention_days: 2 }\n`;
  assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml: short })).status, 200);
  // as the hourly task does
  await daemon.services.sessionKeeper.tidy();
  const { data } = (await daemon.api.get('/apps/live/sessions')).body;
  assert.deepEqual(data.map((row: any) => row.roomSid).sort(), ['RM_long', 'RM_new']);
  for (const table of ['room_stays', 'room_tracks', 'stay_samples'])
    assert.equal(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get(), 1, table);
});
