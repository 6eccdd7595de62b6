import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { LiveKitError } from './errors.ts';
import { Reachability } from './state.ts';

const DOWN = new LiveKitError('unreachable', 'the connection was refused');

test('it is looked for with growing waits, and everyone is told once when it is back', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  let isUp = false;
  const asked: number[] = [];
  const clock = new ManualClock(0);
  const states: string[] = [];
  const reachability = new Reachability({
    background: testBackground(),

    isConfigured: true,
    probe: async () => {
      asked.push(clock.now());
      if (isUp) reachability.succeeded();
      else {
        reachability.failed(DOWN);
        throw DOWN;
      }
    },
    onChange: ({ status }) => states.push(status),
    clock,
  });
  let back = 0;
  reachability.onReachable(() => {
    back += 1;
  });
  const pass = async (seconds: number) => {
    for (let step = 0; step < seconds * 10; step++) {
      clock.advance(100);
      t.mock.timers.tick(100);
      await settle();
    }
  };
  reachability.start();
  assert.equal(reachability.state.status, 'unknown');
  await pass(120);
  assert.deepEqual(states, ['unreachable']);
  const gaps = asked.slice(1).map((at, index) => (at - (asked[index] as number)) / 1000);
  assert.ok(
    gaps.every((gap, index) => index === 0 || gap > (gaps[index - 1] as number) * 0.7),
    String(gaps),
  );
  assert.ok(asked.length < 12 && asked.length > 5, `asked ${asked.length} times in two minutes`);
  isUp = true;
  await pass(40);
  assert.deepEqual(states, ['unreachable', 'reachable']);
  assert.equal(back, 1);
  isUp = false;
  await pass(12);
  assert.equal(reachability.state.status, 'unreachable');
  assert.equal(reachability.state.reason, 'the connection was refused');
  reachability.stop();
  const before = asked.length;
  await pass(60);
  assert.equal(asked.length, before);
});

test('a refusal is an answer; a wrong key is none', () => {
  const states: string[] = [];
  const reachability = new Reachability({
    background: testBackground(),

    isConfigured: true,
    probe: async () => {},
    onChange: ({ status, reason }) => states.push(`${status} ${reason}`),
    clock: new ManualClock(),
  });
  reachability.failed(new LiveKitError('missing', 'no such room'));
  reachability.failed(new LiveKitError('unauthorized', 'the API key or secret is not accepted'));
  assert.deepEqual(states, ['reachable null', 'unreachable the API key or secret is not accepted']);
});

test('without keys nobody is asked', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const reachability = new Reachability({
    background: testBackground(),

    isConfigured: false,
    probe: async () => assert.fail('asked'),
    onChange: () => assert.fail('changed'),
    clock: new ManualClock(),
  });
  reachability.start();
  t.mock.timers.tick(60_000);
  assert.equal(reachability.state.status, 'unconfigured');
});
