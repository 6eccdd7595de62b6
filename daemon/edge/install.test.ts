import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { install, whyNotAlive } from './install.ts';
import { type AgentState, layoutOf, NO_STATE } from './layout.ts';
import { installOptions, readFlags } from './options.ts';

test('an installation that doesn’t become alive names what it waits for', () => {
  const why = (state: Partial<AgentState>) => whyNotAlive({ ...NO_STATE, ...state }, 'http://127.0.0.1:6789/metrics');
  assert.match(why({}), /^no heartbeat arrived within 45 s/);
  assert.match(why({ refusal: 'x isn’t responding' }), /rejects the node’s heartbeats: x isn’t responding/);
  assert.match(
    why({ reportedAt: 1, reported: 'failed', problem: 'no Redis' }),
    /reports, but its LiveKit .*: no Redis/,
  );
  const mark = { pid: 1, startTime: '1' };
  assert.match(why({ reportedAt: 1, reported: 'starting', process: mark }), /127\.0\.0\.1:6789\/metrics can’t be read/);
  assert.match(why({ reportedAt: 1, reported: 'starting' }), /its LiveKit is starting/);
});

test('the command that is run again keeps what --master-ip named, and refuses another way to start the node', async (t) => {
  const token = 'clt_0123456789abcdefghijklmnopqrstuv';
  const keys = { LIVEKIT_API_KEY: 'APIkey', LIVEKIT_API_SECRET: 'the-livekit-secret' };
  const { url } = await testDaemon(t, { STREAMHUB_CLUSTER_TOKEN: token, ...keys });
  const dir = await temporaryDir(t);
  const prefix = path.join(dir, 'node');
  const server = path.join(dir, 'livekit-server');
  writeFileSync(server, '#!/bin/sh\necho livekit-server version 1.0.0\n', { mode: 0o755 });
  // an agent that says that all is well, and ends
  const self = path.join(dir, 'agent.mjs');
  const layout = layoutOf(prefix);
  const well = JSON.stringify({ ...NO_STATE, reportedAt: 1, reported: 'running' });
  const file = JSON.stringify(layout.state);
  writeFileSync(self, `import fs from 'node:fs'; fs.writeFileSync(${file}, ${JSON.stringify(well)});`);
  const run = async (...more: string[]) => {
    const flags = ['--prefix', prefix, '--master-url', url, '--node-ip', '203.0.113.7', '--livekit-binary', server];
    const ports = ['livekit', 'rtc-tcp', 'rtc-udp', 'metrics'].flatMap((name) => [`--${name}-port`, '0']);
    const options = installOptions(readFlags('install', [...flags, ...ports, ...more]), {
      STREAMHUB_CLUSTER_TOKEN: token,
    });
    await install(options, { self, say() {} });
  };
  const redisAfter = async (...more: string[]) => {
    await run('--no-systemd', ...more);
    return /^redis:\n\s+address: "?([^"\n]+)/m.exec(readFileSync(layout.livekitConfig, 'utf8'))?.[1];
  };
  assert.equal(await redisAfter('--master-ip', '10.0.0.5'), '10.0.0.5:6379');
  assert.equal(await redisAfter(), '10.0.0.5:6379');
  assert.equal(await redisAfter('--master-ip', ''), `${new URL(url).hostname}:6379`);
  await assert.rejects(run('--systemd-user'), /started as plain processes, not by the user’s systemd: .* --uninstall/);
  assert.equal(await redisAfter(), `${new URL(url).hostname}:6379`);
});
