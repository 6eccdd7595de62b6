import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RoomEvent } from '@livekit/rtc-node';
import { blockScope, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { type EventReader, readEvents } from '#test/helpers/event-reader.ts';
import { type LivekitServer, startLivekit } from '#test/helpers/livekit.ts';
import { disposeMedia, join } from '#test/helpers/participant.ts';
import { firstAdmin, makeTeam } from '#test/helpers/people.ts';
import { until } from '#test/helpers/until.ts';

after(() => disposeMedia());

const ROOM = '/apps/live/rooms/live-stage';

describe('rooms of a real LiveKit', () => {
  const scope = blockScope();
  let livekit: LivekitServer;
  let daemon: TestDaemon;
  let events: EventReader;
  let missing: string | undefined;

  before(async () => {
    const started = startLivekit(scope, { tellsDaemon: true });
    if (typeof started === 'string') {
      missing = started;
      return;
    }
    livekit = started;
    daemon = await testDaemon(scope, livekit.env);
    events = await readEvents(scope, daemon.url, daemon.token);
    await events.next('hello');
  });

  /** Someone in a room, with a token of the daemon. */
  async function enter(t: { after(fn: () => unknown): void }, room: string, identity: string, body: object = {}) {
    const { data } = (await daemon.api.post('/apps/live/tokens', { room, identity, ...body })).body;
    return join(t, data.wsUrl, data.token);
  }

  /** The room as the daemon tells it, as soon as it is so. */
  async function room(what: string, isSo: (data: any) => boolean, path = ROOM): Promise<any> {
    let data: any;
    await until(what, async () => {
      data = (await daemon.api.get(path)).body.data;
      return data !== undefined && isSo(data);
    });
    return data;
  }
  const personIn = (data: any, identity: string) => data.people.data.find((one: any) => one.identity === identity);

  test('a room is created with its limits, listed, and shown with participants and tracks', async (t) => {
    if (missing) return t.skip(missing);
    const limits = { emptyTimeoutSeconds: 120, departureTimeoutSeconds: 33, maxParticipants: 9 };
    const made = await daemon.api.post('/apps/live/rooms', {
      room: 'stage',
      ...limits,
      metadata: '{"topic":"tea"}',
      playoutDelayMs: 100,
    });
    assert.equal(made.status, 201, made.text);
    const both = await Promise.all([1, 2].map(() => daemon.api.post('/apps/live/rooms', { room: 'twice' })));
    assert.deepEqual(both.map(({ status }) => status).sort(), [201, 409]);
    assert.equal((await daemon.api.delete('/apps/live/rooms/twice')).status, 204);
    const again = await daemon.api.post('/apps/live/rooms', { room: 'live-stage' });
    assert.deepEqual([again.status, again.body.code], [409, 'ROOM_EXISTS']);
    const ana = await enter(t, 'stage', 'ana', { name: 'Ana', metadata: 'a'.repeat(1500) });
    const camera = await ana.publish();
    await enter(t, 'stage', 'bob', { canPublish: false });

    const data = await room('both are told', (one) => one.publishers === 1 && one.viewers === 1);
    assert.deepEqual(
      [data.app, data.name, data.metadata, data.recording],
      ['live', 'live-stage', '{"topic":"tea"}', false],
    );
    for (const [key, value] of Object.entries(limits)) assert.equal(data[key], value, key);
    assert.ok(Math.abs(Date.now() - Date.parse(data.startedAt)) < 60_000);
    assert.match(data.node, /^ND_/, 'from LiveKit’s Redis');
    assert.deepEqual(
      data.people.data.map((one: any) => one.identity),
      ['ana', 'bob'],
      'publishers first',
    );
    const ana1 = personIn(data, 'ana');
    assert.deepEqual([ana1.name, ana1.kind, ana1.state, ana1.publisher], ['Ana', 'standard', 'active', true]);
    assert.deepEqual([ana1.metadata.length, ana1.cut], [1000, true]);
    assert.ok(ana1.client.protocol > 0);
    const [track] = ana1.tracks;
    assert.deepEqual(
      [track.sid, track.type, track.source, track.codec, track.width, track.height, track.muted],
      [camera.sid, 'video', 'camera', 'VP8', 320, 240, false],
    );
    assert.deepEqual([track.layers.length, track.bitrate > 0], [1, true]);
    const whole = (await daemon.api.get(`${ROOM}/participants/ana`)).body.data;
    assert.deepEqual([whole.metadata.length, whole.cut], [1500, false]);

    for (const path of ['/apps/live/rooms', '/rooms', '/rooms?app=live&q=STAGE&sort=participants']) {
      const { body } = await daemon.api.get(path);
      assert.deepEqual(
        body.data.map((one: any) => [one.name, one.publishers, one.viewers]),
        [['live-stage', 1, 1]],
        path,
      );
      assert.equal(body.total, 1);
    }
    assert.equal((await daemon.api.get('/rooms?q=none')).body.total, 0);
    const paged = (await daemon.api.get(`${ROOM}?limit=1&offset=1`)).body.data.people;
    assert.deepEqual([paged.data[0].identity, paged.total, paged.limit, paged.offset], ['bob', 2, 1, 1]);
    assert.equal((await daemon.api.get(`${ROOM}?q=AN`)).body.data.people.total, 1);
  });

  test('staff acts in a room, and each act is in the audit trail', async (t) => {
    if (missing) return t.skip(missing);
    const cleo = await enter(t, 'stage', 'cleo/1');
    const { sid } = await cleo.publish();
    await room('she is told', (data) => personIn(data, 'cleo/1')?.tracks.length === 1);
    const who = `${ROOM}/participants/${encodeURIComponent('cleo/1')}`;

    assert.equal((await daemon.api.post(`${who}/tracks/${sid}/mute`, { muted: true })).body.data.muted, true);
    await room('muted', (data) => personIn(data, 'cleo/1').tracks[0].muted);
    const unmuted = await daemon.api.post(`${who}/tracks/${sid}/mute`, { muted: false });
    assert.deepEqual([unmuted.status, unmuted.body.code], [409, 'UNMUTE_REFUSED']);
    const none = await daemon.api.post(`${who}/tracks/TR_none/mute`, { muted: true });
    assert.deepEqual([none.status, none.body.code], [404, 'TRACK_NOT_FOUND']);

    const changed = await daemon.api.patch(who, {
      name: 'Cleo',
      metadata: 'm',
      attributes: { seat: '4', gone: '' },
      permissions: { canPublishData: false, canPublishSources: ['camera'] },
    });
    assert.equal(changed.status, 200, changed.text);
    const { name, metadata, attributes, permissions } = changed.body.data;
    assert.deepEqual([name, metadata, attributes], ['Cleo', 'm', { seat: '4' }]);
    assert.deepEqual(
      [permissions.canPublish, permissions.canPublishData, permissions.canPublishSources],
      [true, false, ['camera']],
      'what was not named stays',
    );
    const large = await daemon.api.patch(who, { metadata: 'é'.repeat(40_000) });
    assert.deepEqual([large.status, large.body.details[0].path], [400, 'body.metadata']);

    const { promise: heard, resolve } = Promise.withResolvers<string>();
    cleo.room.on(RoomEvent.DataReceived, (bytes, _from, _kind, topic) =>
      resolve(`${topic}: ${Buffer.from(bytes).toString()}`),
    );
    const message = { data: 'Hé', topic: 'note', to: ['cleo/1'] };
    assert.equal((await daemon.api.post(`${ROOM}/data`, message)).status, 204);
    assert.equal(await heard, 'note: Hé');

    assert.equal((await daemon.api.patch(ROOM, { metadata: 'new' })).status, 204);
    await room('new metadata', (data) => data.metadata === 'new');

    for (const act of ['move', 'forward']) {
      const { status, body } = await daemon.api.post(`${who}/${act}`, { room: 'other' });
      assert.deepEqual([status, body.code], [501, 'LIVEKIT_UNSUPPORTED'], act);
    }
    assert.equal((await daemon.api.get(ROOM)).body.data.canMove, false);
    assert.equal((await daemon.api.get('/stats')).body.livekitReachable, true, 'that is no outage');

    assert.equal((await daemon.api.delete(who)).status, 204);
    await cleo.disconnected;
    await room('she is gone', (data) => personIn(data, 'cleo/1') === undefined);
    const missingOne = await daemon.api.delete(who);
    assert.deepEqual([missingOne.status, missingOne.body.code], [404, 'PARTICIPANT_NOT_FOUND']);

    const { data: trail } = (await daemon.api.get('/audit?app=live&limit=50')).body;
    const done = trail.filter((one: any) => one.outcome === 'done').map((one: any) => `${one.action} ${one.target}`);
    for (const entry of [
      'participant.remove live-stage/cleo/1',
      'room.update live-stage',
      'room.send-data live-stage',
      'participant.update live-stage/cleo/1',
      `track.mute live-stage/cleo/1/${sid}`,
      'room.create stage',
    ])
      assert.ok(done.includes(entry), `${entry} in ${done}`);
    assert.ok(!JSON.stringify(trail).includes('Hé'), 'what people write is not kept');
  });

  test('who watches unseen counts for nobody, and is told as hidden', async (t) => {
    if (missing) return t.skip(missing);
    await enter(t, 'quiet', 'dan');
    await events.next((m) => m.event === 'room.changed' && m.data.data.room === 'live-quiet');
    const path = '/apps/live/rooms/live-quiet';
    await room('he is there', (data) => data.viewers === 1, path);
    const made = await daemon.api.post(`${path}/watch`);
    assert.equal(made.status, 201, made.text);
    const { token, wsUrl, identity } = made.body.data;
    const watcher = await join(t, wsUrl, token);
    const data = await room('the watcher is told', (one) => personIn(one, identity) !== undefined, path);
    assert.equal(personIn(data, identity).permissions.hidden, true);
    assert.deepEqual([data.participants, data.viewers], [1, 1]);
    assert.equal((await daemon.api.get('/rooms?q=quiet')).body.data[0].viewers, 1);
    await assert.rejects(watcher.publish(), 'it only receives');
    const [entry] = (await daemon.api.get('/audit?action=room.watch')).body.data;
    assert.equal(entry.target, 'live-quiet');
  });

  test('rooms of other apps and teams are out of reach', async (t) => {
    if (missing) return t.skip(missing);
    await firstAdmin(daemon);
    const { owner } = await makeTeam(daemon, 'other', { maxApps: -1 });
    assert.equal((await owner.api.post('/apps', { name: 'theirs' })).status, 201);
    assert.equal((await daemon.api.post('/apps', { name: 'live-deep' })).status, 201);
    await enter(t, 'stage', 'eve');
    assert.equal((await daemon.api.post('/apps/live-deep/rooms', { room: 'inner' })).status, 201);
    assert.equal((await owner.api.post('/apps/theirs/rooms', { room: 'hall' })).status, 201);

    const names = (body: any) => body.data.map((one: any) => one.name);
    assert.deepEqual(names((await owner.api.get('/rooms')).body), ['theirs-hall']);
    const appId = (await daemon.api.get('/apps/theirs')).body.id;
    const { token } = (await daemon.api.post('/tokens', { name: 'theirs', scope: 'app', appId })).body;
    assert.deepEqual(names((await daemon.api.as(token).get('/rooms')).body), ['theirs-hall']);
    assert.equal((await daemon.api.as(token).get('/rooms?app=live')).body.total, 0);
    const heard = await readEvents(t, daemon.url, token);
    await heard.next('hello');
    assert.equal((await daemon.api.patch(ROOM, { metadata: 'not theirs' })).status, 204);
    assert.equal((await owner.api.patch('/apps/theirs/rooms/hall', { metadata: 'theirs' })).status, 204);
    assert.equal((await heard.next('room.changed')).data.data.room, 'theirs-hall');
    assert.ok(!names((await daemon.api.get('/apps/live/rooms')).body).includes('live-deep-inner'), 'longest prefix');
    const all = names((await daemon.api.get('/rooms')).body);
    for (const one of ['live-deep-inner', 'live-stage', 'theirs-hall']) assert.ok(all.includes(one), one);

    for (const name of ['live-deep-inner', 'theirs-hall', 'none']) {
      for (const answer of [
        await daemon.api.get(`/apps/live/rooms/${name}`),
        await daemon.api.delete(`/apps/live/rooms/${name}`),
        await daemon.api.post(`/apps/live/rooms/${name}/watch`),
      ])
        assert.deepEqual([answer.status, answer.body.code], [404, 'ROOM_NOT_FOUND'], name);
    }
    assert.equal((await owner.api.get('/apps/live/rooms')).status, 403);
    const moved = await daemon.api.post(`${ROOM}/participants/eve/move`, { room: 'live-deep-inner' });
    assert.deepEqual([moved.status, moved.body.details[0].path], [400, 'body.room']);
    assert.equal((await daemon.api.delete('/apps/live-deep/rooms/inner')).status, 204);
    assert.equal((await daemon.api.get('/apps/live-deep/rooms')).body.total, 0);
  });

  test('ending a room disconnects everyone; LiveKit away is told clearly', async (t) => {
    if (missing) return t.skip(missing);
    const fay = await enter(t, 'last', 'fay');
    await room('she is there', (data) => data.participants === 1, '/apps/live/rooms/last');
    assert.equal((await daemon.api.delete('/apps/live/rooms/live-last')).status, 204);
    await fay.disconnected;
    assert.equal((await daemon.api.get('/apps/live/rooms/live-last')).body.code, 'ROOM_NOT_FOUND');

    await livekit.pause({ kill: true });
    for (const path of ['/rooms', '/apps/live/rooms', ROOM]) {
      const { status, body } = await daemon.api.get(path);
      assert.deepEqual([status, body.code], [502, 'LIVEKIT_UNREACHABLE'], path);
    }
  });
});
