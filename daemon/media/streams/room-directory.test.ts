import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventBus } from '#daemon/platform/events/bus.ts';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import type { Person } from '../livekit/event.ts';
import { LiveCounts } from './live-counts.ts';
import { RoomDirectory } from './room-directory.ts';

const ROOM = { name: 'live', sid: 'RM_1' };
const person = (sid: string, more: Partial<Person> = {}): Person => ({
  sid,
  identity: sid,
  name: '',
  kind: 0,
  isHidden: false,
  isPublisher: false,
  tracks: [],
  hasTimedOut: false,
  joinedAt: null,
  reason: 0,
  region: '',
  published: [],
  ...more,
});
const countsOf = (directory: RoomDirectory) => {
  const { participants, publishers, viewers } = directory.counts('live');
  return [participants, publishers, viewers];
};

test('news of an older room of the same name changes nothing', () => {
  const directory = new RoomDirectory();
  directory.joined({ name: 'live', sid: 'RM_old' }, person('PA_old'));
  directory.joined(ROOM, person('PA_new'));
  directory.joined({ name: 'live', sid: 'RM_old' }, person('PA_late'));
  assert.deepEqual(countsOf(directory), [1, 0, 1]);
  directory.finished('live', 'RM_old');
  assert.deepEqual(countsOf(directory), [1, 0, 1]);
  directory.finished('live', 'RM_1');
  directory.published(ROOM, person('PA_new'), 'TR_1');
  assert.deepEqual([directory.has('live'), ...countsOf(directory)], [false, 0, 0, 0]);
});

test('who left does not come back by late news, not even through a list taken over', () => {
  const directory = new RoomDirectory();
  directory.joined(ROOM, person('PA_1'));
  directory.left('live', 'PA_1');
  directory.sync('live', 'RM_1', [person('PA_2', { tracks: ['TR_1'] })], 0);
  directory.joined(ROOM, person('PA_1'));
  directory.published(ROOM, person('PA_1'), 'TR_2');
  assert.deepEqual(countsOf(directory), [1, 1, 0]);
  assert.equal(directory.hasLeft('live', 'PA_1'), true);
});

test('an event from before the last list is no news', () => {
  const directory = new RoomDirectory();
  const asked = Date.parse('2026-01-01T00:00:10.500Z');
  const second = (n: number) => Date.UTC(2026, 0, 1, 0, 0, n);
  directory.sync('live', 'RM_1', [person('PA_1')], asked);
  directory.joined(ROOM, person('PA_old'), second(9));
  directory.published(ROOM, person('PA_old'), 'TR_1', second(9));
  assert.deepEqual(countsOf(directory), [1, 0, 1]);
  // in the second of the question: it may have happened after it
  directory.joined(ROOM, person('PA_2'), second(10));
  directory.published(ROOM, person('PA_1'), 'TR_2', second(9));
  assert.deepEqual(countsOf(directory), [2, 1, 1]);
});

test('what is remembered of those who left has a limit', () => {
  const directory = new RoomDirectory();
  directory.opened('live', 'RM_1');
  for (let n = 0; n < 10_050; n++) directory.left('live', `PA_${n}`);
  assert.equal(directory.hasLeft('live', 'PA_0'), false);
  assert.equal(directory.hasLeft('live', 'PA_10049'), true);
});

test('counts are told when they changed, and once', () => {
  const directory = new RoomDirectory();
  const told: unknown[] = [];
  const bus = new EventBus((error) => assert.fail(String(error)));
  const changed: unknown[] = [];
  bus.subscribe(({ type, data, live }) => {
    if (type === 'room.changed') changed.push([data.room, live]);
    else if (type === 'room.counts') told.push([data.room, data.participants, data.viewers, live]);
  });
  const forRoom = (room: string) => (room === 'live' ? ({ name: 'live', tenantId: 'platform' } as never) : undefined);
  const clock = new ManualClock();
  const counts = new LiveCounts({ background: testBackground(), directory, apps: { forRoom }, bus, clock });
  directory.joined({ name: 'foreign', sid: 'RM_f' }, person('PA_f'));
  directory.joined(ROOM, person('PA_1'));
  directory.joined(ROOM, person('PA_2'));
  counts.tell();
  counts.tell();
  directory.unpublished('live', 'PA_1', 'TR_none');
  counts.tell();
  directory.left('live', 'PA_1');
  counts.tell();
  directory.hlsViewer('live', 'page-1', { isGone: false, now: clock.monotonic() });
  counts.tell();
  clock.advance(80_000);
  counts.tell();
  directory.finished('live', 'RM_1');
  counts.tell();
  assert.deepEqual(told, [
    ['live', 2, 2, true],
    ['live', 1, 1, true],
    ['live', 1, 2, true],
    ['live', 1, 1, true],
    ['live', 0, 0, true],
  ]);
  assert.deepEqual(
    changed,
    Array.from({ length: 6 }, () => ['live', true]),
    'also of what changes no count',
  );
});

test('pages that play live HLS count once, in open rooms, until they say goodbye or are silent', () => {
  const directory = new RoomDirectory();
  const see = (viewer: string, now: number, isGone = false) => directory.hlsViewer('live', viewer, { isGone, now });
  see('early', 0);
  directory.joined(ROOM, person('PA_1', { tracks: ['TR_1'] }));
  directory.joined(ROOM, person('PA_2'));
  assert.deepEqual(countsOf(directory), [2, 1, 1]);
  for (const viewer of ['page-1', 'page-2', 'page-1']) see(viewer, 0);
  assert.deepEqual([...countsOf(directory), directory.hlsViewers('live')], [2, 1, 3, 2]);
  see('page-2', 50_000);
  directory.forgetSilentViewers(76_000);
  assert.equal(directory.hlsViewers('live'), 1);
  see('page-2', 80_000, true);
  see('page-2', 80_000, true);
  assert.deepEqual(countsOf(directory), [2, 1, 1]);
  // made-up viewers use bounded memory
  for (let n = 0; n < 100_010; n++) see(`made-up-${n}`, n);
  assert.equal(directory.hlsViewers('live'), 100_000);
});
