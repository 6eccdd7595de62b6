import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { reconcileUntil, startLivekit } from '#test/helpers/livekit.ts';
import { event, participant, room, sendWebhook, track } from '#test/helpers/livekit-webhook.ts';
import { disposeMedia, join } from '#test/helpers/participant.ts';
import { until } from '#test/helpers/until.ts';

after(() => disposeMedia());

// each has servers of its own and waits for them most of the time
describe('streams of a real LiveKit', { concurrency: 2 }, () => {
  test('streams, counts and stats follow a publisher from join to leave', async (t) => {
    const livekit = startLivekit(t, { tellsDaemon: true });
    if (typeof livekit === 'string') return t.skip(livekit);
    const daemon = await testDaemon(t, livekit.env);
    const events = await readEvents(t, daemon.url, daemon.token);
    await events.next('hello');

    const { body: made } = await daemon.api.post('/apps/live/tokens', { room: 'stage', identity: 'ana' });
    assert.equal(made.data.room, 'live-stage');
    const ana = await join(t, made.data.wsUrl, made.data.token);
    const { body: watching } = await daemon.api.post('/apps/live/tokens', {
      room: 'live-stage',
      identity: 'bob',
      canPublish: false,
    });
    const bob = await join(t, watching.data.wsUrl, watching.data.token);
    const camera = await ana.publish();
    const started = await events.next('stream.started');
    assert.equal(started.data.app, 'live');
    assert.equal(started.data.data.participant, 'ana');

    const { body: list } = await daemon.api.get('/apps/live/streams');
    assert.equal(list.total, 1);
    const [row] = list.data;
    assert.equal(row.streamId, ana.room.localParticipant?.sid);
    assert.equal(row.type, 'webrtc');
    assert.equal(row.status, 'active');
    assert.deepEqual([row.participants, row.publishers, row.viewers], [2, 1, 1]);
    const { body: stats } = await daemon.api.get('/apps/live/stats');
    assert.deepEqual(stats.data.live, {
      activeStreams: 1,
      totalViewers: 1,
      rooms: [{ room: 'live-stage', streams: 1, viewers: 1 }],
    });
    assert.equal((await daemon.api.get('/stats')).body.livekitReachable, true);
    assert.equal((await daemon.api.get('/stats')).body.counts.activeStreams, 1);

    await camera.stop();
    const ended = await events.next('stream.ended');
    assert.equal(ended.data.data.streamId, row.streamId);
    assert.equal((await daemon.api.get('/apps/live/streams')).body.total, 0);
    await ana.publish('again');
    const again = await events.next('stream.started');
    assert.equal(again.data.data.streamId, `${row.streamId}-2`);
    await bob.leave();
    await events.next((m) => m.event === 'room.counts' && m.data.data.viewers === 0);
    await ana.leave();
    await events.next('stream.ended');
    await events.next((m) => m.event === 'room.counts' && m.data.data.participants === 0);
    const all = (await daemon.api.get('/apps/live/streams?status=all')).body;
    assert.deepEqual(
      all.data.map((one: any) => [one.streamId, one.status, one.endedAt !== null]),
      [
        [`${row.streamId}-2`, 'ended', true],
        [row.streamId, 'ended', true],
      ],
    );
    assert.equal((await daemon.api.get('/stats')).body.counts.activeStreams, 0);
  });

  test('what happened while the daemon was down is found out at its next start', async (t) => {
    const livekit = startLivekit(t, { tellsDaemon: true });
    if (typeof livekit === 'string') return t.skip(livekit);
    const dataDir = await temporaryDir(t);
    const env = livekit.env;
    const first = await testDaemon(t, env, { dataDir });
    const before = await readEvents(t, first.url, first.token);
    await before.next('hello');
    const ana = await join(t, livekit.url, await livekit.token('live-stage', 'ana'));
    await ana.publish();
    const lastEventId = (await before.next('stream.started')).id as string;
    await first.stop();
    // as if that had been an hour ago
    const db = new Database(path.join(dataDir, 'apps/live/app.db'));
    db.prepare('UPDATE session_watch SET heard_at = heard_at - 3600000, listed_at = listed_at - 3600000').run();
    db.prepare('UPDATE room_sessions SET started_at = started_at - 7200000').run();
    db.close();

    const bob = await join(t, livekit.url, await livekit.token('live-stage', 'bob'));
    await bob.publish();
    await ana.leave();

    const second = await testDaemon(t, env, { dataDir });
    const resumed = await readEvents(t, second.url, second.token, { lastEventId });
    const seen = [(await resumed.next(isStreamEvent)).data, (await resumed.next(isStreamEvent)).data]
      .map((message) => `${message.type} ${message.data.participant}`)
      .sort();
    assert.deepEqual(seen, ['stream.ended ana', 'stream.started bob']);
    const { body } = await second.api.get('/apps/live/streams?status=all');
    assert.deepEqual(body.data.map((row: any) => `${row.participant} ${row.status}`).sort(), [
      'ana ended',
      'bob active',
    ]);
    const live = body.data.find((row: any) => row.participant === 'bob');
    assert.deepEqual([live.participants, live.publishers, live.viewers], [1, 1, 0]);

    // the session went on: who came while the daemon was away came at a known time, and the gap is shown
    const session = await until('the session is whole', async () => {
      const { data } = (await second.api.get('/apps/live/sessions')).body;
      const one = (await second.api.get(`/apps/live/sessions/${data[0].id}`)).body;
      return data.length === 1 && one.gaps.length > 0 && one.stays.total === 2 ? one : undefined;
    });
    assert.deepEqual([session.endedAt, session.participants, session.publishers], [null, 2, 2]);
    assert.equal(session.gaps[0].cause, 'daemon');
    assert.ok(Date.parse(session.gaps[0].to) - Date.parse(session.gaps[0].from) > 3_500_000);
    const [left, there] = ['ana', 'bob'].map((who) => session.stays.data.find((stay: any) => stay.identity === who));
    assert.notEqual(left.leftAt, null);
    assert.deepEqual([there.leftAt, there.joinedBetween, there.tracks.length], [null, null, 1]);
  });

  test('LiveKit and Redis gone and back: clear answers meanwhile, true rows afterwards', async (t) => {
    const livekit = startLivekit(t, { tellsDaemon: true });
    if (typeof livekit === 'string') return t.skip(livekit);
    const daemon = await testDaemon(t, livekit.env);
    const events = await readEvents(t, daemon.url, daemon.token);
    await events.next('hello');
    const ana = await join(t, livekit.url, await livekit.token('live', 'ana'));
    await ana.publish();
    const { streamId } = (await events.next('stream.started')).data.data;

    await livekit.pause({ kill: true });
    const refused = await daemon.api.delete(`/apps/live/streams/${streamId}`);
    assert.deepEqual([refused.status, refused.body.code], [502, 'LIVEKIT_UNREACHABLE']);
    assert.doesNotMatch(refused.text, /eyJ|secret/i);
    const recording = await daemon.api.post('/apps/live/recording/start', { room: 'nobody-here' });
    assert.deepEqual([recording.status, recording.body.code], [502, 'LIVEKIT_UNREACHABLE'], 'is the room there?');
    await events.next('livekit.unreachable');
    const stats = (await daemon.api.get('/stats')).body;
    assert.equal(stats.livekitReachable, false);
    assert.deepEqual(stats.egress, { reachable: false, active: 0, total: 0 });
    const appStats = await daemon.api.get('/apps/live/stats');
    assert.equal(appStats.status, 200);
    assert.deepEqual(appStats.body.data.ingress, { total: 0, active: 0 });
    // a token needs no one's answer
    assert.equal((await daemon.api.post('/apps/live/tokens', {})).status, 201);
    assert.equal((await daemon.api.get('/apps/live/streams')).body.total, 1);

    await livekit.resume();
    await events.next('livekit.reachable');
    const ended = await events.next('stream.ended');
    assert.equal(ended.data.data.streamId, streamId);
    const bob = await join(t, livekit.url, await livekit.token('live', 'bob'));
    await bob.publish();
    await events.next((m) => m.event === 'stream.started' && m.data.data.participant === 'bob');
    // ana's client may have come back by itself: that is another session
    const { body } = await daemon.api.get('/apps/live/streams?status=all');
    const row = body.data.find((one: any) => one.streamId === streamId);
    assert.equal(row.status, 'ended');
    assert.equal(body.data.find((one: any) => one.participant === 'bob').status, 'active');
    const lives = await until('the old life of the room is over', async () => {
      const { data } = (await daemon.api.get('/apps/live/sessions?identity=ana')).body;
      return data.at(-1)?.endedAt === null ? undefined : data;
    });
    // nobody was there to tell when
    assert.notEqual(lives.at(-1).endedBetween, null);

    // Redis alone: LiveKit answers, and cannot do anything
    livekit.pauseRedis();
    const livekitStatus = async () => (await daemon.api.get('/system/livekit')).body.data;
    assert.equal((await daemon.api.get('/health')).status, 200);
    await events.next('livekit.unreachable');
    assert.match((await livekitStatus()).hint, /Redis/);
    assert.equal((await daemon.api.get('/stats')).body.livekitReachable, false);
    livekit.resumeRedis();
    await events.next('livekit.reachable');
    assert.equal((await livekitStatus()).reason, null);
  });

  test('ending a stream takes its publisher out of the room', async (t) => {
    const livekit = startLivekit(t, { tellsDaemon: true });
    if (typeof livekit === 'string') return t.skip(livekit);
    const daemon = await testDaemon(t, livekit.env);
    const events = await readEvents(t, daemon.url, daemon.token);
    await events.next('hello');
    const ana = await join(t, livekit.url, await livekit.token('live', 'ana'));
    await ana.publish();
    const { id } = (await events.next('stream.started')).data.data;
    assert.equal((await daemon.api.delete(`/apps/live/streams/${id}`)).status, 204);
    // PARTICIPANT_REMOVED
    assert.equal(await ana.disconnected, 4);
    const row = (await daemon.api.get(`/apps/live/streams/${id}`)).body;
    assert.equal(row.status, 'ended');
    assert.equal((await daemon.api.delete(`/apps/live/streams/${id}`)).status, 204);
    await events.next('stream.ended');
  });

  test('without any webhook the rows are true all the same', async (t) => {
    const livekit = startLivekit(t);
    if (typeof livekit === 'string') return t.skip(livekit);
    const daemon = await testDaemon(t, livekit.env);
    const events = await readEvents(t, daemon.url, daemon.token);
    await events.next('hello');
    const ana = await join(t, livekit.url, await livekit.token('live-quiet', 'ana'));
    await ana.publish();
    const heard = (type: string) => () => events.heard.some((message) => message.event === type);
    await reconcileUntil(daemon, heard('stream.started'));
    const started = await events.next('stream.started');
    assert.equal(started.data.data.participant, 'ana');
    await ana.leave();
    await reconcileUntil(daemon, heard('stream.ended'), false);
    await events.next('stream.ended');
    assert.equal((await daemon.api.get('/apps/live/streams')).body.total, 0);
    const status = (await daemon.api.get('/system/livekit')).body.data;
    assert.deepEqual([status.status, status.reason, status.url], ['reachable', null, livekit.url]);
    assert.deepEqual([status.webhooks.received, status.reconciliation.repaired], [0, 2]);
    assert.equal(status.webhooks.url, `${daemon.url}/api/v1/webhooks/livekit`);
    assert.match(status.hint, /No webhook has arrived/);
    const { stays } = (await daemon.api.get('/apps/live/sessions/1')).body;
    const [stay] = stays.data;
    assert.deepEqual([stay.identity, stay.joinedBetween, stay.leftBetween === null], ['ana', null, false]);
    assert.deepEqual(
      stay.tracks.map((one: any) => [one.kind, one.source, one.startedBetween === null]),
      [['video', 'camera', false]],
    );
  });

  test('with the wrong secret LiveKit counts as unreachable, and the token that it repeats shows nowhere', async (t) => {
    const livekit = startLivekit(t);
    if (typeof livekit === 'string') return t.skip(livekit);
    const secret = 'not-the-secret-of-this-server-at-all';
    const daemon = await testDaemon(t, { ...livekit.env, LIVEKIT_API_SECRET: secret, LOG_LEVEL: 'trace' });
    const events = await readEvents(t, daemon.url, daemon.token);
    await events.next('hello');
    const status = async () => (await daemon.api.get('/system/livekit')).body.data;
    await until('LiveKit is called unreachable', async () => (await status()).status === 'unreachable');
    assert.equal((await status()).reason, 'the API key or secret is not accepted');
    const body = JSON.stringify(
      event('track_published', { room: room('live'), participant: participant('ana'), track: track('TR_1') }),
    );
    await sendWebhook(daemon.url, body, { key: livekit.apiKey, secret });
    const refused = await daemon.api.delete('/apps/live/streams/PA_ana');
    assert.deepEqual([refused.status, refused.body.code], [502, 'LIVEKIT_REFUSED']);
    assert.equal((await daemon.api.get('/stats')).body.livekitReachable, false);
    const log = await readFile(path.join(daemon.dataDir, 'logs/streamhub.log'), 'utf8');
    assert.match(log, /LiveKit isn’t responding/);
    for (const text of [refused.text, log, JSON.stringify(events.heard)])
      assert.doesNotMatch(text, /eyJ|not-the-secret/);
  });
});

const isStreamEvent = (message: { event: string }): boolean => /^stream\.(started|ended)$/.test(message.event);
