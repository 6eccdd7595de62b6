import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { parse } from 'yaml';
import { digestOfKeys } from '#daemon/platform/livekit-keys.ts';
import { temporaryDir } from '#test/helpers/daemon.ts';
import {
  clusterRedis,
  configText,
  configuredKeys,
  livekitConfig,
  readExtra,
  redisBlock,
  withOwn,
} from './livekit-config.ts';

const forward_stats = { summary_interval: '500ms', report_interval: '5s', report_window: '30s' };
const SECRET = 'a: "tricky" #secret';
const input = {
  keys: { APIx: SECRET },
  webhook: { apiKey: 'APIx', url: 'https://s.example/api/v1/webhooks/livekit' },
  redisUrl: 'redis://u:p%40ss@redis.example:6380/2',
  nodeIp: '203.0.113.7',
  useExternalIp: false,
  region: 'eu',
  ports: { signal: 7880, tcp: 7881, udp: 7882, metrics: 6789 },
  metricsUser: 'agent',
  metricsPassword: 'pw',
};

test('the configuration reads back as it was meant', () => {
  assert.deepEqual(parse(configText(livekitConfig(input))), {
    port: 7880,
    region: 'eu',
    rtc: { tcp_port: 7881, udp_port: 7882, use_external_ip: false, node_ip: '203.0.113.7', forward_stats },
    redis: { address: 'redis.example:6380', username: 'u', password: 'p@ss', db: 2 },
    keys: { APIx: 'a: "tricky" #secret' },
    prometheus: { port: 6789, username: 'agent', password: 'pw' },
    webhook: { api_key: 'APIx', urls: ['https://s.example/api/v1/webhooks/livekit'] },
    logging: { json: true, level: 'info' },
  });
});

test('the digests of the keys are those of the daemon’s own', async (t) => {
  const file = path.join(await temporaryDir(t), 'livekit.yaml');
  assert.equal(configuredKeys({ livekitConfig: file }), null);
  writeFileSync(file, configText(livekitConfig(input)));
  assert.deepEqual(configuredKeys({ livekitConfig: file }), [digestOfKeys('APIx', SECRET)]);
  writeFileSync(file, 'keys: [');
  assert.equal(configuredKeys({ livekitConfig: file }), null);
});

test('without a Redis of the daemon it is looked for on the daemon’s machine', () => {
  assert.equal(clusterRedis('redis://h', '10.0.0.1'), 'redis://h');
  assert.deepEqual(redisBlock(clusterRedis(null, '10.0.0.1')), { address: '10.0.0.1:6379' });
  assert.deepEqual(redisBlock(clusterRedis(null, '2001:db8::1')), { address: '[2001:db8::1]:6379' });
});

test('beside a daemon on loopback LiveKit listens there only', () => {
  const made = livekitConfig({ ...input, redisUrl: null, nodeIp: '127.0.0.1', bind: ['127.0.0.1'], isLocal: true });
  assert.equal('redis' in made, false);
  assert.deepEqual(made['bind_addresses'], ['127.0.0.1']);
  const { tcp_port, enable_loopback_candidate } = made['rtc'] as Record<string, unknown>;
  assert.deepEqual([tcp_port, enable_loopback_candidate], [0, true]);
});

test('Redis addresses', () => {
  assert.deepEqual(redisBlock('redis://h'), { address: 'h:6379' });
  assert.deepEqual(redisBlock('rediss://:pw@h:1'), { address: 'h:1', password: 'pw', use_tls: true });
  assert.throws(() => redisBlock('http://h'), /neither redis/);
});

test('behind NAT LiveKit finds its address itself', () => {
  const rtc = livekitConfig({ ...input, useExternalIp: true })['rtc'] as object;
  assert.deepEqual(rtc, { tcp_port: 7881, udp_port: 7882, use_external_ip: true, forward_stats });
});

test('own settings are laid over, mapping by mapping', () => {
  const extra = readExtra('rtc: {udp_port: 50000, stun_servers: [a]}\nturn: {enabled: true}\nwebhook: null\n');
  const merged = withOwn(livekitConfig(input), extra);
  assert.deepEqual(merged['rtc'], {
    tcp_port: 7881,
    udp_port: 50000,
    use_external_ip: false,
    node_ip: '203.0.113.7',
    forward_stats,
    stun_servers: ['a'],
  });
  assert.deepEqual([merged['turn'], merged['webhook']], [{ enabled: true }, null]);
  assert.deepEqual(readExtra('# nothing\n'), {});
  const range = { port_range_start: 50000, port_range_end: 60000 };
  const { udp_port, ...rtc } = withOwn(livekitConfig(input), { rtc: range })['rtc'] as Record<string, unknown>;
  assert.deepEqual([udp_port, rtc['port_range_start']], [undefined, 50000]);
});

test('own settings that are no mapping are refused without quoting them', () => {
  assert.throws(
    () => readExtra('- a secret'),
    (error: Error) => /mapping/.test(error.message) && !/secret/.test(error.message),
  );
  assert.throws(
    () => readExtra('a: [secret'),
    (error: Error) => /not valid YAML/.test(error.message) && !/secret/.test(error.message),
  );
});
