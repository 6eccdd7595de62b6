import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { testBackground } from '#test/helpers/background.ts';
import { temporaryDir } from '#test/helpers/daemon.ts';
import { processRef } from './process-table.ts';
import { ServerWatch } from './server-watch.ts';

/** A server that is this process while it runs, by a clock of the test. */
async function watchedServer(t: TestContext, metrics: string | null) {
  let now = 1000;
  t.mock.method(process.hrtime, 'bigint', () => BigInt(now) * 1_000_000_000n);
  const self = processRef(process.pid);
  let isUp = true;
  const dir = await temporaryDir(t);
  const watch = new ServerWatch({
    server: {
      ...{ name: 'redis', stateFile: path.join(dir, 'state.json'), logFile: path.join(dir, 'log'), metrics },
      configuredKeys: () => null,
    },
    supervisor: {
      find: async () => (isUp ? self : null),
      async start() {
        isUp = true;
        return self;
      },
      async terminate() {},
    },
    background: testBackground(),
    log() {},
  });
  const stateAfter = async (seconds: number) => {
    now += seconds;
    await watch.look();
    await watch.act();
    return watch.report().state;
  };
  return {
    stateAfter,
    /** It exits, is noticed, and is running again after the pause. @returns the state in between */
    async crash(pause: number) {
      isUp = false;
      const state = await stateAfter(1);
      await stateAfter(pause);
      return state;
    },
  };
}

test('a server without metrics that exits now and then is started again each time without a longer pause', async (t) => {
  const { stateAfter, crash } = await watchedServer(t, null);
  assert.equal(await stateAfter(0), 'running');
  for (let exits = 1; exits <= 5; exits += 1) {
    assert.equal(await stateAfter(3600), 'running');
    assert.equal(await crash(1), 'starting', `exit ${exits}`);
  }
});

test('a server that crashes again and again has failed until it has lasted, although it answers in between', async (t) => {
  const server = createServer((_, res) => res.end('livekit_room_total{node_id="ND_1"} 0\n')).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { stateAfter, crash } = await watchedServer(t, `http://127.0.0.1:${port}/metrics`);
  assert.equal(await stateAfter(0), 'running');
  const states: string[] = [];
  for (let crashes = 1; crashes <= 5; crashes += 1) states.push(await crash(20), await stateAfter(5));
  assert.deepEqual(states.slice(0, 4), ['starting', 'running', 'starting', 'running']);
  assert.deepEqual([...new Set(states.slice(4))], ['failed']);
  assert.equal(await stateAfter(31), 'running');
});
