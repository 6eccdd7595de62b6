import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appMigrations } from '#daemon/platform/db/app/index.ts';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import type { Ingress } from '../livekit/ingress.ts';
import { streamRepository } from '../streams/repository.ts';
import { ingressSessions } from './repository.ts';
import { compareSessions, endSession, type IngressChange, startSession } from './sessions.ts';

const T = Date.UTC(2026, 10, 29);
const ingest = (resourceId: string, second: number, more: Partial<Ingress> = {}): Ingress => ({
  id: 'IN_1',
  type: 'rtmp',
  room: 'live-stage',
  participant: 'camera',
  status: 'publishing',
  isPublishing: true,
  isTranscoding: true,
  isEnabled: true,
  error: '',
  resourceId,
  startedAt: T + second * 1000,
  endedAt: null,
  ...more,
});
const over = (resourceId: string, second: number, more: Partial<Ingress> = {}): Ingress =>
  ingest(resourceId, second, { status: 'inactive', isPublishing: false, ...more });
const told = (second: number) => ({ at: T + second * 1000, now: T + second * 1000, eventId: `EV_${second}` });
const words = (changes: readonly IngressChange[]): string[] =>
  changes.map(({ kind, ingest: { resource_id }, reason }) => [kind, resource_id, reason].filter(Boolean).join(' '));

function setUp(t: { after(fn: () => unknown): void }) {
  const db = openDatabase(':memory:');
  t.after(() => db.close());
  migrate(db, appMigrations);
  /** LiveKit's list, asked at a second and taken over within the same second. */
  const compare = (list: readonly Ingress[], second: number) =>
    words(compareSessions({ db, now: T + second * 1000 + 999 }, list, T + second * 1000));
  return { db, compare };
}

test('lost events are made up for from LiveKit’s list, once', (t) => {
  const { db, compare } = setUp(t);
  assert.deepEqual(compare([ingest('RT_a', 0)], 1), ['ingress_started RT_a']);
  assert.deepEqual(words(startSession(db, ingest('RT_a', 0), told(2))), [], 'its event comes late');
  assert.deepEqual(compare([ingest('RT_a', 0)], 3), []);
  assert.deepEqual(compare([ingest('RT_b', 4)], 5), ['ingress_ended RT_a taken_over', 'ingress_started RT_b']);
  assert.deepEqual(compare([over('RT_b', 4, { error: 'gone' })], 6), ['ingress_ended RT_b error']);
  assert.deepEqual(words(endSession(db, over('RT_b', 4), told(7))), []);
  assert.deepEqual(compare([ingest('RT_c', 8)], 9), ['ingress_started RT_c']);
  assert.deepEqual(compare([over('RT_d', 10)], 11), ['ingress_ended RT_c lost'], 'a session came and went unseen');
  assert.deepEqual(compare([ingest('RT_e', 12)], 13), ['ingress_started RT_e']);
  assert.deepEqual(compare([], 14), ['ingress_ended RT_e deleted']);
  assert.equal(ingressSessions(db).count(), 0);
});

test('a list from before an event ends nothing that is younger', (t) => {
  const { db, compare } = setUp(t);
  startSession(db, ingest('RT_a', 0), told(4.5));
  assert.deepEqual(compare([], 4), []);
  assert.deepEqual(compare([over('RT_0', -9)], 4), []);
  assert.deepEqual(words(endSession(db, over('RT_a', 0), told(6))), ['ingress_ended RT_a stopped']);
  assert.deepEqual(compare([ingest('RT_a', 0)], 5), [], 'nor does it bring back what is over');
});

test('a session from before the clock was set back ends as soon as LiveKit has none', (t) => {
  const { db, compare } = setUp(t);
  startSession(db, ingest('RT_a', 3600), told(3600));
  assert.deepEqual(compare([], 60), ['ingress_ended RT_a deleted']);
});

test('a refused attempt of another encoder ends nothing while the first is in the room', (t) => {
  const { db, compare } = setUp(t);
  startSession(db, ingest('RT_a', 0), told(1));
  streamRepository(db).insert({
    app_id: 1,
    stream_id: 'PA_1',
    type: 'rtmp',
    room: 'live-stage',
    participant: 'camera',
    status: 'active',
    started_at: new Date(T).toISOString(),
    participant_sid: 'PA_1',
    room_sid: 'RM_1',
  });
  const refused = over('RT_b', 3, { status: 'error', error: 'server capacity exceeded' });
  assert.deepEqual(words(endSession(db, refused, told(3))), ['ingress_ended RT_b error']);
  assert.deepEqual(compare([refused], 4), []);
  streamRepository(db).end(1, new Date(T + 5000).toISOString());
  assert.deepEqual(compare([refused], 6), ['ingress_ended RT_a lost']);
});

test('the reason is what an operator did', (t) => {
  const { db } = setUp(t);
  startSession(db, ingest('RT_a', 0), told(1));
  ingressSessions(db).expectEnd('IN_1', 'paused');
  assert.deepEqual(words(endSession(db, over('RT_a', 0), told(2))), ['ingress_ended RT_a paused']);
});
