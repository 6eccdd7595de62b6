import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import { EventBus } from '#daemon/platform/events/bus.ts';
import { completeConfig } from '#shared/config/defaults.ts';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import type { LiveKit } from '../livekit/client.ts';
import { MediaStore } from '../media-store.ts';
import { IdentityKeeper } from '../sessions/identities.ts';
import { SessionRecorder } from '../sessions/recorder.ts';
import { SessionSync } from '../sessions/sync.ts';
import { vodRepository } from '../vods/repository.ts';
import { Reconciler } from './reconciler.ts';
import { RoomDirectory } from './room-directory.ts';

const YEAR = 365 * 86_400_000;
const MINUTE = 60_000;

// A clock that is set can't be had with a real LiveKit, which would refuse the tokens of that time.
test('a clock that is set neither fails a recording that LiveKit is being asked for nor keeps an old one open', async (t) => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-reconciler-'));
  await mkdir(path.join(dir, 'live'));
  const databases = new AppDatabases(dir);
  t.after(async () => {
    databases.closeAll();
    await rm(dir, { recursive: true });
  });
  await writeFile(path.join(dir, 'live/app.db'), databases.template());
  const clock = new ManualClock();
  const app = { id: 1, name: 'live', roomPrefix: 'live', createdAt: '', deleting: false } as AppEntry;
  const config = completeConfig({}, 'live');
  const none = async () => [];
  let jumped = (): unknown => undefined;
  const background = testBackground();
  const mediaStore = new MediaStore({
    databases,
    bus: new EventBus((error) => assert.fail(String(error))),
    config: { get: async () => config },
    onCallbacks() {},
    onChanges() {},
    appDir: () => path.join(dir, 'live'),
    awaitsLadder: () => false,
    background,
    clock,
  });
  const recorder = new SessionRecorder({
    identities: new IdentityKeeper(() => Buffer.alloc(32)),
    nodeOf: () => null,
  });
  const reconciler = new Reconciler({
    livekit: {
      ...{ listRooms: none, listEgress: none, listIngress: none },
      reachability: { onReachable: () => () => {} },
    } as unknown as LiveKit,
    mediaStore,
    sessions: new SessionSync({ recorder, databases, mediaStore }),
    databases,
    directory: new RoomDirectory(),
    apps: { entries: () => [app], get: () => app, forRoom: () => app },
    checkRecorder: async () => {},
    onResumed: async () => {},
    background,
    clock,
    retentionNow: () => clock.now(),
    onJump: (listener) => {
      jumped = () => listener();
      return () => {};
    },
    log: { info() {}, warn: (_facts: object, message: string) => assert.fail(message) },
  });
  reconciler.start();
  t.after(() => reconciler.stop());
  const insert = databases
    .get('live')
    .prepare("INSERT INTO vods (app_id, room, name, status, started_at) VALUES (1, 'live-a', 'a', 'starting', ?)");
  const ask = (): number => Number(insert.run(new Date(clock.now()).toISOString()).lastInsertRowid);
  const stateAfterPass = async (id: number) => {
    reconciler.noteBusy('live');
    await reconciler.run();
    return vodRepository(databases.get('live')).get(id)?.status;
  };
  for (const jump of [YEAR, -YEAR]) {
    const id = ask();
    clock.jump(jump);
    jumped();
    clock.advance(1000);
    assert.equal(await stateAfterPass(id), 'starting');
    clock.advance(2 * MINUTE);
    assert.equal(await stateAfterPass(id), 'failed', 'LiveKit never answered');
  }
  const id = ask();
  clock.advance(MINUTE / 2);
  assert.equal(await stateAfterPass(id), 'starting');
});
