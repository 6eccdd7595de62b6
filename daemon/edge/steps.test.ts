import assert from 'node:assert/strict';
import test from 'node:test';
import { backoff, nextStep, type Observation, stateOf, type Target } from './steps.ts';

const seen = (more: Partial<Observation> = {}): Observation => ({
  isRunning: true,
  upSeconds: 100,
  numbers: { participants: 0, foreignClients: 0 },
  silentSeconds: 0,
  clearReadings: 9,
  signals: 0,
  sinceSignal: 0,
  sinceStart: 100,
  failedStarts: 0,
  hadAnswered: false,
  ...more,
});
const running: Target = { livekit: 'running', endRoomsInSeconds: null };
const draining: Target = { livekit: 'draining', endRoomsInSeconds: null };
const stopped: Target = { livekit: 'stopped', endRoomsInSeconds: null };
const now: Target = { livekit: 'draining', endRoomsInSeconds: 0 };
const gone = { isRunning: false, numbers: null };

test('running: started when it is not there, with growing pauses after failures, else left alone', () => {
  assert.equal(nextStep(running, seen()), 'none');
  assert.equal(nextStep(running, seen(gone)), 'start');
  assert.equal(nextStep(running, seen({ ...gone, failedStarts: 3, sinceStart: 3.9 })), 'none');
  assert.equal(nextStep(running, seen({ ...gone, failedStarts: 3, sinceStart: 4 })), 'start');
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 50].map(backoff), [0, 1, 2, 4, 8, 16, 30, 30]);
});

test('running again while it leaves: it goes first, nothing ends its rooms', () => {
  assert.equal(nextStep(running, seen({ signals: 1, sinceSignal: 500 })), 'none');
});

test('draining: told to leave once nobody from elsewhere signals through it, and only once', () => {
  assert.equal(nextStep(draining, seen({ numbers: { participants: 7, foreignClients: 1 }, clearReadings: 0 })), 'none');
  assert.equal(nextStep(draining, seen({ numbers: { participants: 7, foreignClients: 0 }, clearReadings: 1 })), 'none');
  assert.equal(
    nextStep(draining, seen({ numbers: { participants: 7, foreignClients: 0 }, clearReadings: 2 })),
    'terminate',
  );
  const told = { numbers: { participants: 7, foreignClients: 3 }, signals: 1, sinceSignal: 86_400 };
  assert.equal(nextStep(draining, seen(told)), 'none');
  assert.equal(nextStep(draining, seen(gone)), 'none');
});

test('draining: a signal in the first moments would be lost, so it waits', () => {
  assert.equal(nextStep(draining, seen({ upSeconds: 0.9 })), 'none');
  assert.equal(nextStep(now, seen({ upSeconds: 0.9 })), 'none');
});

test('draining: a signal that was missed is sent again only while nobody is there', () => {
  assert.equal(nextStep(draining, seen({ signals: 1, sinceSignal: 19 })), 'none');
  assert.equal(nextStep(draining, seen({ signals: 1, sinceSignal: 20 })), 'terminate');
  assert.equal(nextStep(draining, seen({ signals: 1, sinceSignal: 99, numbers: null })), 'none');
});

test('draining: without numbers it waits a minute before it goes on blindly', () => {
  assert.equal(nextStep(draining, seen({ numbers: null, silentSeconds: 59, clearReadings: 0 })), 'none');
  assert.equal(nextStep(draining, seen({ numbers: null, silentSeconds: 60, clearReadings: 0 })), 'terminate');
});

test('the time is up, or the node is disabled: told, told again, killed', () => {
  for (const target of [now, stopped]) {
    const busy = { numbers: { participants: 9, foreignClients: 9 }, clearReadings: 0 };
    assert.equal(nextStep(target, seen(busy)), 'terminate');
    assert.equal(nextStep(target, seen({ ...busy, signals: 1, sinceSignal: 0.5 })), 'none');
    assert.equal(nextStep(target, seen({ ...busy, signals: 1, sinceSignal: 1 })), 'terminate');
    assert.equal(nextStep(target, seen({ ...busy, signals: 2, sinceSignal: 9 })), 'none');
    assert.equal(nextStep(target, seen({ ...busy, signals: 2, sinceSignal: 10 })), 'kill');
    assert.equal(nextStep(target, seen(gone)), 'none');
  }
  const later: Target = { livekit: 'draining', endRoomsInSeconds: 0.5 };
  assert.equal(
    nextStep(later, seen({ signals: 1, sinceSignal: 50, numbers: { participants: 1, foreignClients: 0 } })),
    'none',
  );
});

test('the state that is reported', () => {
  assert.equal(stateOf(running, seen()), 'running');
  assert.equal(stateOf(running, seen({ numbers: null, upSeconds: 1 })), 'starting');
  assert.equal(
    stateOf(running, seen({ numbers: null })),
    'running',
    'a reading that fails now and then changes nothing',
  );
  assert.equal(stateOf(running, seen(gone)), 'starting');
  assert.equal(stateOf(running, seen({ ...gone, failedStarts: 3 })), 'failed');
  const again = { numbers: null, upSeconds: 1, failedStarts: 3 };
  assert.equal(stateOf(running, seen(again)), 'failed', 'the next try of a server that crashes is no news');
  const answering = { ...again, numbers: seen().numbers };
  assert.equal(stateOf(running, seen(answering)), 'running');
  assert.equal(stateOf(running, seen({ ...answering, hadAnswered: true })), 'failed', 'it answered before, too');
  assert.equal(stateOf(draining, seen({ ...answering, hadAnswered: true })), 'running');
  assert.equal(stateOf(draining, seen(again)), 'starting', 'it can still be told to leave');
  assert.equal(stateOf(draining, seen()), 'running');
  assert.equal(stateOf(draining, seen({ signals: 1 })), 'draining');
  assert.equal(stateOf(running, seen({ signals: 1 })), 'draining');
  assert.equal(stateOf(now, seen({ signals: 2 })), 'stopping');
  assert.equal(stateOf(draining, seen({ ...gone, failedStarts: 9 })), 'stopped');
});
