import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { LOCAL_PLACE } from '#daemon/apps/storage/location.ts';
import { SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import { EventBus } from '#daemon/platform/events/bus.ts';
import { completeConfig } from '#shared/config/defaults.ts';
import { deliveryPlan } from '#shared/delivery/plan.ts';
import { ApiError } from '#shared/errors.ts';
import { testBackground } from '#test/helpers/background.ts';
import type { Egress } from '../livekit/egress.ts';
import type { EgressAnswer } from '../livekit/egress-answer.ts';
import { LiveKitError } from '../livekit/errors.ts';
import type { RecordingRequest } from '../livekit/recording-request.ts';
import { MediaWorkers } from '../livekit/workers.ts';
import { MediaStore } from '../media-store.ts';
import { streamRepository } from '../streams/repository.ts';
import { RoomDirectory } from '../streams/room-directory.ts';
import { closeParticipant, openTrack } from '../streams/stream-lifecycle.ts';
import { vodRepository } from '../vods/repository.ts';
import { applyEgress, failVod } from '../vods/vod-lifecycle.ts';
import { RecordingService } from './service.ts';

const FACTS = {
  hasFfmpeg: true,
  hwaccel: { requested: 'auto', effective: 'cpu', type: 'none', reason: '' },
  daemonUrl: '',
  refusesPages: false,
} as const;

// With LiveKit's answers given by hand, in any order; test/livekit/recordings.test.ts has the real services.
async function setUp(t: TestContext, recordingConfig: object = {}, s3: object = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.parse('2026-01-01T10:00:00Z') });
  const dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-recording-'));
  await mkdir(path.join(dir, 'live'));
  const databases = new AppDatabases(dir);
  await writeFile(path.join(dir, 'live/app.db'), databases.template());
  const app = {
    id: 1,
    name: 'live',
    tenantId: 'platform',
    roomPrefix: 'live',
    createdAt: '',
    deleting: false,
  } as AppEntry;
  const config = completeConfig({ recording: recordingConfig, s3 }, 'live');
  const bus = new EventBus((error) => assert.fail(String(error)));
  const follow: Promise<void>[] = [];
  const mediaStore = new MediaStore({
    onChanges: (_app, changes) => void follow.push(recording.follow(app, changes)),
    databases,
    bus,
    config: { get: async () => config },
    onCallbacks() {},
    appDir: () => path.join(dir, 'live'),
    awaitsLadder: () => false,
    background: testBackground(),
    clock: SYSTEM_CLOCK,
  });
  const asked: string[] = [];
  let number = 0;
  /** When each egress began: every later answer about it says the same. */
  const begun = new Map<string, number>();
  const begunAt = (id: string): number => {
    const at = begun.get(id) ?? Date.now();
    begun.set(id, at);
    return at;
  };
  let answer: (request: RecordingRequest) => Promise<Egress> = async (request) => egressOf(request);
  const egressOf = (
    request: RecordingRequest,
    state: Egress['state'] = 'recording',
    id = `EG_${++number}`,
  ): Egress => ({
    id,
    room: request.room,
    status: '',
    state,
    error: null,
    startedAt: begunAt(id),
    endedAt: null,
    askedFiles: [request.filepath],
    mediaStartedAt: state === 'starting' ? null : begunAt(id),
    isAborted: false,
    askedPlaylists: [],
    participant: request.identity,
    isLimited: false,
    isInBackup: false,
    bucket: null,
    files: [],
    segments: [],
    images: [],
  });
  const listed = (request: RecordingRequest, id: string): Egress => ({
    ...egressOf(request, 'complete', id),
    files: [{ name: request.filepath, location: null, bytes: 7, seconds: 1 }],
  });
  const logged: string[] = [];
  const requests: RecordingRequest[] = [];
  const tracks = ['ana', 'bob'].map((identity) => ({ identity, sid: `TR_${identity}`, type: 'video' }));
  /** What is said for recorders that are not well. */
  const recorders = new Map<string, EgressAnswer>();
  const present: string[] = [];
  /** Plans wait for this. */
  let planned = Promise.resolve();
  let refusal: string | undefined;
  let providerProblem: string | undefined;
  let pluginFault: string | undefined;
  const livekit = {
    isConfigured: true,
    workers: new MediaWorkers({ settings: {}, listEgress: async () => [] }),
    listRooms: async () => [{}],
    startRecording: (request: RecordingRequest) => {
      requests.push(request);
      asked.push(`start ${request.identity ?? request.room}`);
      return answer(request);
    },
    listTracks: async () => tracks,
    stopEgress: async (id: string): Promise<EgressAnswer> => {
      asked.push(`stop ${id}`);
      const lost = recorders.get(id);
      if (lost !== undefined) return lost;
      return {
        kind: 'answered',
        egress: egressOf(requests[Number(id.slice(3)) - 1] as RecordingRequest, 'ending', id),
      };
    },
    pingEgress: async (id: string): Promise<EgressAnswer> => recorders.get(id) ?? { kind: 'answered', egress: null },
    listParticipants: async () => present.map((identity) => ({ identity })),
    findEgress: async (id: string) => {
      asked.push(`look ${id}`);
      return listed(requests[Number(id.slice(3)) - 1] as RecordingRequest, id);
    },
  };
  const apps = { require: () => app, get: () => app, dir: () => path.join(dir, 'live') };
  const db = () => databases.get('live');
  const recording = new RecordingService({
    background: testBackground(),
    clock: { now: () => Date.now(), monotonic: () => Date.now() },
    livekit: livekit as never,
    mediaStore,
    databases,
    directory: new RoomDirectory(),
    apps,
    roomOf: (_app, room) => room,
    freeBytes: async () => 1e12,
    config: { get: async () => config },
    delivery: {
      planOf: async (of) => {
        await planned;
        return deliveryPlan(of, { ...FACTS, storage: of.s3.bucket === '' ? 'folder' : 'bucket' });
      },
    },
    storage: {
      recordingTarget: async () => {
        if (pluginFault !== undefined) throw new ApiError('PLUGIN_FAILED', { plugin: 'shelf', reason: pluginFault });
        return {
          target: {
            kind: 's3' as const,
            bucket: 'films',
            region: '',
            endpoint: '',
            forcePathStyle: false,
            accessKey: 'k',
            secret: 's',
            sessionToken: '',
          },
          expiresAt: null,
        };
      },
      usesRole: () => false,
      refusal: async () => refusal,
      providerProblem: async () => providerProblem,
    },
    recover: async (of, vod, reason) =>
      void (await mediaStore.change(of, ({ db, note, now }) => note(failVod(db, vod.id, reason, now)))),
    findStream: (_app, id) => streamRepository(db()).find(id) as never,
    quotas: { checkRecording: async () => {} },
    log: { info() {}, warn() {}, error: (_data, message) => void logged.push(message) },
  });
  t.after(async () => {
    recording.stop();
    databases.closeAll();
    await rm(dir, { recursive: true, force: true });
  });
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all(follow.splice(0));
  };
  const change = async (work: Parameters<MediaStore['change']>[1]) => {
    await mediaStore.change(app, work);
    await settle();
  };
  const publish = async (identity: string, room = 'live-stage') => {
    await enter(identity, room);
    await settle();
  };
  const enter = (identity: string, room = 'live-stage') =>
    mediaStore.change(app, ({ note, now }) =>
      note(
        openTrack(db(), {
          appId: 1,
          room: { name: room, sid: `RM_${room}` },
          participant: { sid: `PA_${identity}`, identity },
          trackSid: `TR_${identity}`,
          type: 'webrtc',
          at: now,
        }),
      ),
    );
  return {
    app,
    recording,
    asked,
    logged,
    requests,
    settle,
    change,
    publish,
    /** Publishes; what follows from it may still be under way. */
    enter,
    leave: (identity: string) => change(({ note, now }) => note(closeParticipant(db(), `PA_${identity}`, now))),
    vods: () => vodRepository(db()).page({}, { limit: 100, offset: 0 }).rows,
    answerWith: (next: typeof answer) => {
      answer = next;
    },
    /** Holds plans up. @returns which lets them go on */
    holdPlans: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      planned = promise;
      return resolve;
    },
    refuseWith: (reason: string) => {
      refusal = reason;
    },
    breakPlugin: (reason: string | undefined) => {
      pluginFault = reason;
    },
    loseProvider: (reason: string) => {
      providerProblem = reason;
    },
    tracks,
    recorders,
    present,
    egressOf,
    db,
    pass: async (minutes: number) => {
      t.mock.timers.tick(minutes * 60_000);
      await settle();
    },
  };
}

test('a recording begins, is stopped, and is stopped only once', async (t) => {
  const { recording, asked, vods } = await setUp(t);
  const vod = await recording.start('live', { room: 'live-stage' }, null);
  assert.deepEqual([vod.status, vod.egress_id, vod.part], ['recording', 'EG_1', 1]);
  await assert.rejects(recording.start('live', { room: 'live-stage' }, null), { code: 'ALREADY_RECORDING' });
  assert.equal((await recording.end('live', vod)).status, 'uploading');
  assert.equal((await recording.end('live', vods()[0] as never)).status, 'uploading');
  assert.deepEqual(asked, ['start live-stage', 'stop EG_1']);
});

test('the next part begins before the last is stopped; parts share a session and are numbered', async (t) => {
  const { recording, asked, vods, pass } = await setUp(t, { split_minutes: 15 });
  const first = await recording.start('live', { room: 'live-stage' }, null);
  await pass(14.9);
  assert.deepEqual(asked, ['start live-stage']);
  await pass(0.2);
  assert.deepEqual(asked, ['start live-stage', 'start live-stage', 'stop EG_1']);
  await pass(15.1);
  assert.deepEqual(asked.slice(3), ['start live-stage', 'stop EG_2']);
  assert.deepEqual(
    vods()
      .map((vod) => [vod.part, vod.status, vod.name])
      .reverse(),
    [
      [1, 'uploading', 'live-stage-20260101T100000Z.mp4'],
      [2, 'uploading', 'live-stage-20260101T101506Z.mp4'],
      [3, 'recording', 'live-stage-20260101T103012Z.mp4'],
    ],
  );
  assert.equal(new Set(vods().map((vod) => vod.session_id)).size, 1);
  // anyone who started it knows the first part only
  await recording.end('live', first);
  await pass(60);
  assert.deepEqual(asked.slice(5), ['stop EG_3']);
});

test('a part that does not begin costs nothing: the last one goes on', async (t) => {
  const { recording, asked, vods, pass, answerWith, egressOf } = await setUp(t, { split_minutes: 15 });
  await recording.start('live', { room: 'live-stage' }, null);
  answerWith(async () => {
    throw new LiveKitError('timeout', 'no answer');
  });
  await pass(15.1);
  assert.deepEqual(asked, ['start live-stage', 'start live-stage']);
  assert.deepEqual(
    vods().map((vod) => [vod.part, vod.status]),
    [
      [2, 'failed'],
      [1, 'recording'],
    ],
  );
  answerWith(async (request) => egressOf(request, 'recording', 'EG_3'));
  await pass(1.1);
  assert.deepEqual(asked.slice(2), ['start live-stage', 'stop EG_1']);
});

test('stopped while LiveKit is still being asked, it ends as soon as it has begun', async (t) => {
  const { recording, asked, vods, answerWith, egressOf, settle } = await setUp(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  answerWith(async (request) => {
    await promise;
    return egressOf(request);
  });
  const starting = recording.start('live', { room: 'live-stage' }, null);
  await settle();
  const row = vods()[0];
  assert.equal((await recording.end('live', row as never)).status, 'starting');
  resolve();
  assert.equal((await starting).status, 'uploading');
  assert.deepEqual(asked, ['start live-stage', 'stop EG_1']);
});

test('its own event tells that it began, though the answer never came', async (t) => {
  const { recording, vods, answerWith, egressOf, change, db, settle } = await setUp(t);
  const { promise, reject } = Promise.withResolvers<Egress>();
  let request: RecordingRequest | undefined;
  answerWith((asked) => {
    request = asked;
    return promise;
  });
  const starting = recording.start('live', { room: 'live-stage' }, null);
  await settle();
  const owner = { appId: 1, place: LOCAL_PLACE, appDir: '/' };
  await change(({ note, now }) => note(applyEgress(db(), egressOf(request as RecordingRequest), owner, now)));
  reject(new LiveKitError('timeout', 'no answer within 10 s'));
  const vod = await starting;
  assert.deepEqual([vod.status, vod.egress_id, vods().length], ['recording', 'EG_1', 1]);
});

test('by itself: with a room’s first publisher, once, and it ends with the room', async (t) => {
  const { app, recording, asked, publish, leave, settle } = await setUp(t, { auto: true });
  await publish('ana');
  await publish('bob');
  assert.deepEqual(asked, ['start live-stage']);
  await leave('ana');
  await leave('bob');
  await recording.roomFinished(app, 'live-stage');
  await settle();
  assert.deepEqual(asked, ['start live-stage', 'stop EG_1']);
});

test('an automatic recording begins also when the second publisher comes before it is ordered', async (t) => {
  const { asked, enter, holdPlans, settle, leave } = await setUp(t, { auto: true });
  const goOn = holdPlans();
  await enter('ana');
  await enter('bob');
  goOn();
  await settle();
  assert.deepEqual(asked, ['start live-stage']);
  // who comes while somebody else publishes begins nothing
  await enter('cyd');
  await leave('ana');
  await settle();
  assert.deepEqual(asked, ['start live-stage']);
});

test('by itself in mode participant: everyone who publishes', async (t) => {
  const { asked, publish, requests } = await setUp(t, { auto: true, mode: 'participant' });
  await publish('ana');
  await publish('bob');
  assert.deepEqual(asked, ['start ana', 'start bob']);
  assert.equal(new Set(requests.map((request) => request.filepath)).size, 2);
});

test('nothing begins by itself unless it is told to', async (t) => {
  const off = await setUp(t);
  await off.publish('ana');
  assert.deepEqual(off.asked, []);
});

test('nothing begins by itself where recording is not allowed', async (t) => {
  const off = await setUp(t, { auto: true, enabled: false });
  await off.publish('ana');
  assert.deepEqual(off.asked, []);
});

test('mode participant by hand: the one who publishes, or the one that is named', async (t) => {
  const { recording, asked, publish } = await setUp(t, { mode: 'participant' });
  await assert.rejects(recording.start('live', { room: 'live-stage' }, null), { code: 'STREAM_NOT_FOUND' });
  await publish('ana');
  const vod = await recording.start('live', { room: 'live-stage' }, null);
  assert.deepEqual([vod.stream_id, vod.identity], ['PA_ana', 'ana']);
  await publish('bob');
  await assert.rejects(recording.start('live', { room: 'live-stage' }, null), { code: 'VALIDATION_FAILED' });
  await recording.start('live', { room: 'live-stage', streamId: 'PA_bob' }, null);
  assert.deepEqual(asked, ['start ana', 'start bob']);
  assert.equal((await recording.endStream('live', 'PA_bob')).status, 'uploading');
  await recording.startStream('live', 'PA_bob', null);
  assert.equal(asked.at(-1), 'start bob');
});

test('an app that goes away: its recordings are ended, and their files waited for', async (t) => {
  const { recording, asked, vods } = await setUp(t);
  await recording.start('live', { room: 'live-stage' }, null);
  await recording.endAll('live');
  assert.deepEqual(asked, ['start live-stage', 'stop EG_1', 'look EG_1']);
  assert.deepEqual([vods()[0]?.status, vods()[0]?.size_bytes], ['ready', 7]);
});

test('a part ends only when the next one records', async (t) => {
  const { recording, asked, vods, pass, answerWith, egressOf, requests, change, db } = await setUp(t, {
    split_minutes: 15,
  });
  await recording.start('live', { room: 'live-stage' }, null);
  answerWith(async (request) => egressOf(request, 'starting', 'EG_2'));
  await pass(15.1);
  assert.deepEqual(asked.slice(1), ['start live-stage']);
  assert.deepEqual(
    vods().map(({ status }) => status),
    ['starting', 'recording'],
  );
  // a look in between begins nothing more
  await pass(0.6);
  assert.equal(asked.length, 2);
  const owner = { appId: 1, place: LOCAL_PLACE, appDir: '/' };
  const active = egressOf(requests[1] as RecordingRequest, 'recording', 'EG_2');
  await change(({ note, now }) => note(applyEgress(db(), active, owner, now)));
  assert.deepEqual(asked.slice(2), ['stop EG_1']);
});

test('stopped before anything was recorded it is cancelled, and a wish of nobody is a failure', async (t) => {
  const { recording, vods, recorders, answerWith, egressOf, requests, change, db } = await setUp(t);
  answerWith(async (request) => egressOf(request, 'starting'));
  const vod = await recording.start('live', { room: 'live-stage' }, null);
  assert.equal(vod.status, 'starting');
  const aborted = (id: string): Egress => ({
    ...egressOf(requests[Number(id.slice(3)) - 1] as RecordingRequest, 'failed', id),
    mediaStartedAt: null,
    isAborted: true,
    error: 'it was aborted (Source closed)',
  });
  const owner = { appId: 1, place: LOCAL_PLACE, appDir: '/' };
  const apply = (egress: Egress) => change(({ note, now }) => note(applyEgress(db(), egress, owner, now)));
  recorders.set('EG_1', { kind: 'answered', egress: aborted('EG_1') });
  await recording.end('live', vod);
  await apply(aborted('EG_1'));
  assert.deepEqual([vods()[0]?.status, vods()[0]?.error], ['cancelled', null]);
  await recording.start('live', { room: 'live-stage' }, null);
  await apply(aborted('EG_2'));
  assert.deepEqual([vods()[0]?.status, vods()[0]?.error], ['failed', 'it was aborted (Source closed)']);
});

test('sound alone is recorded without a picture, until there is one', async (t) => {
  const { app, recording, requests, tracks, asked, settle, publish } = await setUp(t);
  tracks.splice(0, 2, { identity: 'ana', sid: 'TR_mic', type: 'audio' });
  await publish('ana');
  await recording.start('live', { room: 'live-stage' }, null);
  await recording.startStream('live', 'PA_ana', null);
  assert.deepEqual(
    requests.map(({ audio, identity }) => [identity, audio]),
    [
      [null, { trackSid: 'TR_mic' }],
      ['ana', { trackSid: 'TR_mic' }],
    ],
  );
  tracks.push({ identity: 'ana', sid: 'TR_cam', type: 'video' });
  recording.pictureCame(app, 'live-stage', 'ana');
  t.mock.timers.tick(0);
  await settle();
  assert.deepEqual(asked.slice(2).sort(), ['start ana', 'start live-stage', 'stop EG_1', 'stop EG_2']);
  assert.ok(requests.slice(2).every(({ audio }) => audio === null));
});

test('without the plugin of its storage, a recording is refused and not put elsewhere', async (t) => {
  const { recording, asked, vods, loseProvider } = await setUp(t, {}, { bucket: 'films' });
  loseProvider('The storage provider shelf is not installed.');
  await assert.rejects(recording.start('live', { room: 'live-stage' }, null), {
    code: 'RECORDING_NOT_TAKEN',
    message: 'Recording of live-stage was not started: The storage provider shelf is not installed.',
  });
  assert.deepEqual([asked, vods()], [[], []]);
});

test('an automatic recording begins again after the plugin of its storage failed', async (t) => {
  const { asked, logged, publish, pass, breakPlugin } = await setUp(t, { auto: true }, { bucket: 'films' });
  breakPlugin('out of shelves');
  await publish('ana');
  assert.deepEqual(asked, []);
  breakPlugin(undefined);
  await pass(0.1);
  assert.deepEqual([asked, logged], [['start live-stage'], []]);
});

test('a storage that refuses is noticed before anything is asked of LiveKit', async (t) => {
  const { recording, asked, vods, refuseWith } = await setUp(t, {}, { bucket: 'films' });
  refuseWith('The bucket does not exist. Create the bucket.');
  await assert.rejects(recording.start('live', { room: 'live-stage' }, null), {
    code: 'RECORDING_NOT_TAKEN',
    message: /The bucket does not exist\./,
  });
  assert.deepEqual([asked, vods()], [[], []]);
});

describe('a recorder that is gone', () => {
  const lost = /egress service that recorded it is gone/;
  test('a stop answers with the failed row, and the room is free', async (t) => {
    const { recording, vods, recorders } = await setUp(t);
    const vod = await recording.start('live', { room: 'live-stage' }, null);
    recorders.set('EG_1', { kind: 'silent' });
    const stopped = await recording.end('live', vod);
    assert.equal(stopped.status, 'failed');
    assert.match(stopped.error as string, lost);
    await recording.start('live', { room: 'live-stage' }, null);
    assert.equal(vods().length, 2);
  });

  test('silence proves nothing while it is in its room; then it does', async (t) => {
    const { app, recording, vods, recorders, present, pass } = await setUp(t);
    await recording.start('live', { room: 'live-stage' }, null);
    present.push('EG_1');
    recorders.set('EG_1', { kind: 'silent' });
    const look = async () => {
      await recording.checkRecorder(app, vods()[0] as never);
      await pass(1);
      return vods()[0]?.status;
    };
    for (let n = 0; n < 7; n++) assert.equal(await look(), 'recording');
    // LiveKit that has lost its memory tells no more of a recorder that was there
    present.length = 0;
    recorders.set('EG_1', { kind: 'unknown', isHeard: false });
    for (let n = 0; n < 7; n++) assert.equal(await look(), 'recording');
    recorders.set('EG_1', { kind: 'silent' });
    assert.equal(await look(), 'failed');
  });

  test('of one that never came into its room, silence proves little', async (t) => {
    const { app, recording, vods, recorders, pass } = await setUp(t);
    await recording.start('live', { room: 'live-stage' }, null);
    const look = async () => {
      await recording.checkRecorder(app, vods()[0] as never);
      await recording.checkRecorder(app, vods()[0] as never);
      await pass(1);
      return vods()[0]?.status;
    };
    recorders.set('EG_1', { kind: 'unknown', isHeard: true });
    for (let n = 0; n < 6; n++) assert.equal(await look(), 'recording');
    recorders.set('EG_1', { kind: 'silent' });
    for (let n = 0; n < 4; n++) assert.equal(await look(), 'recording');
    recorders.set('EG_1', { kind: 'unknown', isHeard: false });
    assert.equal(await look(), 'failed');
  });

  test('one that is lost does not keep the others', async (t) => {
    const { recording, asked, vods, recorders, publish } = await setUp(t, { mode: 'participant' });
    await publish('ana');
    await publish('bob');
    for (const id of ['PA_ana', 'PA_bob']) await recording.startStream('live', id, null);
    recorders.set('EG_1', { kind: 'silent' });
    await recording.endAll('live');
    assert.deepEqual(asked.filter((word) => word.startsWith('stop')).sort(), ['stop EG_1', 'stop EG_2']);
    assert.deepEqual(
      vods()
        .map(({ status }) => status)
        .sort(),
      ['failed', 'ready'],
    );
  });

  test('its room says so: it fails, and an automatic recording begins again', async (t) => {
    const { app, recording, asked, vods, recorders, publish, pass, settle } = await setUp(t, { auto: true });
    await publish('ana');
    // at its end a recorder leaves too
    await recording.recorderLeft(app, 'EG_1', false);
    assert.equal(vods()[0]?.status, 'recording');
    recorders.set('EG_1', { kind: 'silent' });
    await recording.recorderLeft(app, 'EG_1', true);
    await settle();
    assert.equal(vods()[0]?.status, 'failed');
    assert.match(vods()[0]?.error as string, lost);
    await pass(0.1);
    assert.deepEqual(asked, ['start live-stage', 'start live-stage']);
    assert.deepEqual(
      vods().map(({ part, status }) => [part, status]),
      [
        [2, 'recording'],
        [1, 'failed'],
      ],
    );
  });
});
