import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { testDaemon } from '#test/helpers/daemon.ts';
import {
  event,
  LIVEKIT_KEYS,
  participant,
  room,
  sendWebhook,
  signWebhook,
  track,
} from '#test/helpers/livekit-webhook.ts';

/** LiveKit itself is not needed here; nothing listens at this address. */
const ENV = { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' };
const LIVE = room('live-stage');
const published = (identity: string, trackSid: string, more = {}) =>
  event('track_published', { room: LIVE, participant: participant(identity), track: track(trackSid), ...more });

test('only what LiveKit signed a moment ago is taken', async (t) => {
  const daemon = await testDaemon(t, ENV);
  const body = JSON.stringify(published('ana', 'TR_1'));
  const good = await signWebhook(body);
  const cases: [string, string, string | null][] = [
    ['no signature', body, null],
    ['not a token', body, 'Bearer nonsense'],
    ['another secret', body, await signWebhook(body, undefined, 'another-secret-of-32-characters!!')],
    ['another key', body, await signWebhook(body, 'APIother')],
    ['expired', body, await signWebhook(body, undefined, undefined, -3600)],
    ['altered body', `${body} `, good],
    ['the signature of another body', body, await signWebhook('{}')],
    ['an API token', body, `Bearer ${daemon.token}`],
  ];
  for (const [name, text, authorization] of cases) {
    const answer = await sendWebhook(daemon.url, text, { authorization });
    assert.equal(answer.status, 401, name);
    assert.equal(answer.body.code, 'WEBHOOK_SIGNATURE');
  }
  assert.equal((await daemon.api.get('/apps/live/streams?status=all')).body.total, 0);
  assert.equal((await sendWebhook(daemon.url, body, { authorization: good })).status, 200);
  assert.equal((await daemon.api.get('/apps/live/streams')).body.total, 1);
});

test('a signed text that is no event is refused; without keys nothing can be verified', async (t) => {
  const daemon = await testDaemon(t, ENV);
  for (const text of ['no json', '[]', '{"event":7}', '""', '{}']) {
    const answer = await sendWebhook(daemon.url, text);
    assert.equal(answer.status, 400, text);
    assert.equal(answer.body.code, 'WEBHOOK_UNREADABLE');
  }
  const large = await sendWebhook(daemon.url, JSON.stringify({ event: 'x', filler: 'x'.repeat(1_048_600) }));
  assert.equal(large.status, 413);
  const bare = await testDaemon(t);
  const answer = await sendWebhook(bare.url, published('ana', 'TR_1'));
  assert.deepEqual([answer.status, answer.body.code], [503, 'LIVEKIT_NOT_CONFIGURED']);
});

test('an event of a room that belongs to no app is answered with 200 and leaves nothing', async (t) => {
  const daemon = await testDaemon(t, ENV);
  for (const name of ['elsewhere', 'livestage', 'liv', '']) {
    const answer = await sendWebhook(
      daemon.url,
      event('track_published', { room: room(name), participant: participant('ana'), track: track('TR_1') }),
    );
    assert.deepEqual([answer.status, answer.body], [200, { ok: true }], name);
  }
  assert.equal((await daemon.api.get('/apps/live/streams?status=all')).body.total, 0);
});

test('the app is the one with the longest prefix', async (t) => {
  const daemon = await testDaemon(t, ENV);
  await daemon.api.post('/apps', { name: 'live-two', roomPrefix: 'live-two' });
  await sendWebhook(
    daemon.url,
    event('track_published', { room: room('live-two-x'), participant: participant('ana'), track: track('TR_1') }),
  );
  await sendWebhook(
    daemon.url,
    event('track_published', { room: room('live-twox'), participant: participant('bob'), track: track('TR_2') }),
  );
  assert.equal((await daemon.api.get('/apps/live-two/streams')).body.data[0].participant, 'ana');
  assert.equal((await daemon.api.get('/apps/live/streams')).body.data[0].participant, 'bob');
});

test('doubles and disorder never reopen a row or make a second one', async (t) => {
  const daemon = await testDaemon(t, ENV);
  const send = (body: object) => sendWebhook(daemon.url, body).then((answer) => assert.equal(answer.status, 200));
  const rows = async () =>
    (await daemon.api.get('/apps/live/streams?status=all')).body.data
      .map((row: any) => `${row.streamId} ${row.status}`)
      .reverse();

  const first = published('ana', 'TR_1');
  await send(first);
  await send(first);
  await send(published('ana', 'TR_2'));
  assert.deepEqual(await rows(), ['PA_ana active']);
  const unpublish = (sid: string) =>
    event('track_unpublished', { room: LIVE, participant: participant('ana'), track: track(sid) });
  await send(unpublish('TR_1'));
  assert.deepEqual(await rows(), ['PA_ana active']);
  await send(unpublish('TR_2'));
  assert.deepEqual(await rows(), ['PA_ana ended']);
  // the first event once more, under another id
  await send(published('ana', 'TR_1'));
  assert.deepEqual(await rows(), ['PA_ana ended']);
  // the end before the beginning
  await send(unpublish('TR_3'));
  await send(published('ana', 'TR_3'));
  assert.deepEqual(await rows(), ['PA_ana ended']);
  // the same session publishes something new
  await send(published('ana', 'TR_4'));
  assert.deepEqual(await rows(), ['PA_ana ended', 'PA_ana-2 active']);
  await send(event('participant_left', { room: LIVE, participant: participant('ana') }));
  await send(published('ana', 'TR_5'));
  assert.deepEqual(await rows(), ['PA_ana ended', 'PA_ana-2 ended']);
  // coming back is another session
  await send(published('ana', 'TR_6', { participant: participant('ana', 'PA_ana_again') }));
  await send(published('bob', 'TR_7'));
  await send(event('participant_connection_aborted', { room: LIVE, participant: participant('bob') }));
  assert.deepEqual((await rows()).slice(2), ['PA_ana_again active', 'PA_bob ended']);
  await send(event('room_finished', { room: LIVE }));
  await send(published('eve', 'TR_8'));
  assert.deepEqual((await rows()).slice(2), ['PA_ana_again ended', 'PA_bob ended']);
  // a younger room of that name
  const young = room('live-stage', 'RM_young');
  await send(published('eve', 'TR_9', { room: young, participant: participant('eve', 'PA_eve2') }));
  await send(event('room_finished', { room: LIVE }));
  assert.deepEqual((await rows()).slice(4), ['PA_eve2 active']);
});

test('what cannot be stored is refused with 503, and taken when it is sent again', async (t) => {
  const daemon = await testDaemon(t, ENV);
  const file = new Database(path.join(daemon.dataDir, 'apps/live/app.db'));
  t.after(() => file.close());
  await daemon.api.get('/apps/live/streams');
  file.exec("CREATE TRIGGER full BEFORE INSERT ON streams BEGIN SELECT RAISE(ABORT, 'full'); END");
  const body = published('ana', 'TR_1');
  const refused = await sendWebhook(daemon.url, body);
  assert.deepEqual([refused.status, refused.body.code], [503, 'WEBHOOK_NOT_STORED']);
  assert.doesNotMatch(refused.text, /full|SQL/);
  file.exec('DROP TRIGGER full');
  assert.equal((await sendWebhook(daemon.url, body)).status, 200);
  assert.equal((await daemon.api.get('/apps/live/streams')).body.total, 1);
});

test('counts follow the events, and hidden ones and recorders are nobody', async (t) => {
  const daemon = await testDaemon(t, ENV);
  const joined = (identity: string, more: object) =>
    sendWebhook(
      daemon.url,
      event('participant_joined', { room: LIVE, participant: participant(identity, undefined, more) }),
    );
  await joined('ana', {});
  await joined('viewer', {});
  await joined('second viewer', {});
  await joined('inspector', { permission: { hidden: true } });
  await joined('recorder', { kind: 'EGRESS' });
  await joined('agent', { kind: 'AGENT' });
  await sendWebhook(daemon.url, published('ana', 'TR_1'));
  const counts = async () => {
    const { participants, publishers, viewers } = (await daemon.api.get('/apps/live/streams?status=all')).body.data[0];
    return [participants, publishers, viewers];
  };
  assert.deepEqual(await counts(), [3, 1, 2]);
  await sendWebhook(daemon.url, event('participant_left', { room: LIVE, participant: participant('viewer') }));
  assert.deepEqual(await counts(), [2, 1, 1]);
  // late news of someone who has left
  await joined('viewer', {});
  assert.deepEqual(await counts(), [2, 1, 1]);
  await sendWebhook(daemon.url, event('room_finished', { room: LIVE }));
  assert.deepEqual(await counts(), [0, 0, 0]);
});

test('an ingest has the type that LiveKit names, before its tracks or after them', async (t) => {
  const daemon = await testDaemon(t, ENV);
  const told: string[] = [];
  daemon.services.events.subscribe(({ type, data }) => {
    if (type === 'stream.started' || type === 'stream.updated') told.push(`${type} ${data.type}`);
  });
  const cases = [
    ['RTMP_INPUT', 'rtmp'],
    ['WHIP_INPUT', 'whip'],
    ['URL_INPUT', 'rtsp'],
  ] as const;
  for (const [inputType, type] of cases) {
    for (const isFirst of [true, false]) {
      const id = `${type}_${isFirst}`;
      const who = participant(id, undefined, { kind: 'INGRESS' });
      const started = event('ingress_started', {
        ingressInfo: { ingressId: `IN_${id}`, inputType, roomName: LIVE.name, participantIdentity: id },
      });
      const tracks = event('track_published', { room: LIVE, participant: participant(id), track: track(`TR_${id}`) });
      told.length = 0;
      await sendWebhook(daemon.url, event('participant_joined', { room: LIVE, participant: who }));
      for (const body of isFirst ? [started, tracks] : [tracks, started]) await sendWebhook(daemon.url, body);
      assert.equal((await daemon.api.get(`/apps/live/streams/PA_${id}`)).body.type, type);
      const updated = isFirst || type === 'rtmp' ? [] : [`stream.updated ${type}`];
      assert.deepEqual(told, [`stream.started ${isFirst ? type : 'rtmp'}`, ...updated]);
    }
  }
});

test('streams are found by both ids, listed by status and room, newest first', async (t) => {
  const daemon = await testDaemon(t, ENV);
  for (const name of ['live-a', 'live-b']) {
    for (const n of [1, 2]) {
      const who = participant(`p${n}`, `PA_${name}_${n}`);
      await sendWebhook(
        daemon.url,
        event('track_published', { room: room(name), participant: who, track: track(`TR_${name}_${n}`) }),
      );
    }
  }
  await sendWebhook(
    daemon.url,
    event('participant_left', { room: room('live-a'), participant: { sid: 'PA_live-a_1', isPublisher: true } }),
  );
  const ids = async (query: string) =>
    (await daemon.api.get(`/apps/live/streams${query}`)).body.data.map((row: any) => row.streamId);
  assert.deepEqual(await ids(''), ['PA_live-b_2', 'PA_live-b_1', 'PA_live-a_2']);
  assert.deepEqual(await ids('?status=ended'), ['PA_live-a_1']);
  assert.deepEqual(await ids('?status=all&room=live-a'), ['PA_live-a_2', 'PA_live-a_1']);
  assert.deepEqual(await ids('?limit=1&offset=1'), ['PA_live-b_1']);
  assert.equal((await daemon.api.get('/apps/live/streams?status=nonsense')).status, 400);
  const byStream = (await daemon.api.get('/apps/live/streams/PA_live-b_2')).body;
  assert.deepEqual((await daemon.api.get(`/apps/live/streams/${byStream.id}`)).body, byStream);
  const missing = await daemon.api.get('/apps/live/streams/PA_nobody');
  assert.deepEqual([missing.status, missing.body.code], [404, 'STREAM_NOT_FOUND']);
  // LiveKit cannot be asked to take the publisher out, so the row stays as it is
  const refused = await daemon.api.delete('/apps/live/streams/PA_live-b_2');
  assert.deepEqual([refused.status, refused.body.code], [502, 'LIVEKIT_UNREACHABLE']);
  assert.equal((await daemon.api.get('/apps/live/streams/PA_live-b_2')).body.status, 'active');
  assert.equal((await daemon.api.delete('/apps/live/streams/PA_live-a_1')).status, 204);
});

test('metrics count streams and show viewers', async (t) => {
  const daemon = await testDaemon(t, { ...ENV, METRICS_TOKEN: 'scrape-me-please' });
  await sendWebhook(daemon.url, event('participant_joined', { room: LIVE, participant: participant('viewer') }));
  await sendWebhook(daemon.url, published('ana', 'TR_1'));
  await sendWebhook(daemon.url, event('participant_left', { room: LIVE, participant: participant('ana') }));
  await sendWebhook(
    daemon.url,
    event('egress_ended', {
      egressInfo: {
        egressId: 'EG_1',
        roomName: LIVE.name,
        status: 'EGRESS_FAILED',
        roomComposite: { roomName: LIVE.name, fileOutputs: [{ filepath: '/x/y.mp4' }] },
      },
    }),
  );
  const { text } = await daemon.api.as('scrape-me-please').get('//metrics');
  for (const line of [
    'streamhub_stream_events_total{app="live",event="started"} 1',
    'streamhub_stream_events_total{app="live",event="stopped"} 1',
    'streamhub_stream_viewers{app="live",room="live-stage"} 1',
    'streamhub_recordings_started_total{app="live"} 1',
    'streamhub_recording_failures_total{app="live",reason="failed"} 1',
    'streamhub_active_streams{app="live"} 0',
  ]) {
    assert.ok(text.includes(line), line);
  }
});
