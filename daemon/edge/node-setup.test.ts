import assert from 'node:assert/strict';
import test from 'node:test';
import type { NodeSetup } from './layout.ts';
import { configText, livekitConfig, withOwn } from './livekit-config.ts';
import { nodeSetup, setupOf } from './node-setup.ts';

const NOTHING = {
  masterIp: undefined,
  nodeUrl: undefined,
  nodeIp: undefined,
  useExternalIp: false,
  region: undefined,
  ports: {},
};
const setup: NodeSetup = {
  masterIp: '10.0.0.9',
  nodeUrl: 'wss://e1.example.com',
  nodeIp: '203.0.113.7',
  useExternalIp: false,
  region: 'eu',
  ports: { signal: 4321, tcp: 4322, udp: 4323, metrics: 4324 },
  extra: { turn: { enabled: true }, rtc: { stun_servers: ['a'] } },
};

test('what is left out keeps its value, what is given replaces it, and an empty text takes it back', () => {
  assert.deepEqual(nodeSetup(NOTHING, undefined, setup), setup);
  assert.deepEqual(nodeSetup({ ...NOTHING, ports: { udp: 1 }, region: 'us' }, {}, setup), {
    ...setup,
    region: 'us',
    ports: { ...setup.ports, udp: 1 },
    extra: {},
  });
  const none = nodeSetup({ ...NOTHING, nodeUrl: '', nodeIp: '', masterIp: '', region: '' }, undefined, setup);
  assert.deepEqual([none.nodeUrl, none.nodeIp, none.masterIp, none.region], [null, null, null, null]);
  assert.deepEqual(nodeSetup(NOTHING, undefined).ports, { signal: 7880, tcp: 7881, udp: 7882, metrics: 6789 });
});

test('an address that no client can connect to is refused, also where an installation kept it', () => {
  for (const nodeUrl of [
    'media.example.com',
    'wss://',
    'wss:///live',
    'javascript:alert(1)',
    'wss:e1.example.com',
    '10.0.0',
    '1.2.3.400',
  ]) {
    assert.throws(() => nodeSetup({ ...NOTHING, nodeUrl }, undefined), /--node-url must be/, nodeUrl);
    assert.throws(() => nodeSetup(NOTHING, undefined, { ...setup, nodeUrl }), /--node-url must be/, nodeUrl);
    assert.equal(nodeSetup({ ...NOTHING, nodeUrl: '' }, undefined, { ...setup, nodeUrl }).nodeUrl, null);
  }
  for (const nodeUrl of [
    'wss://e1.example.com/live',
    'https://e1.example.com',
    'ws://[2001:db8::1]:7880',
    '10.0.0.1',
    '2001:db8::1',
  ])
    assert.equal(nodeSetup({ ...NOTHING, nodeUrl }, undefined).nodeUrl, nodeUrl);
});

test('an address that is given takes the place of the one that LiveKit asks for', () => {
  const asks = nodeSetup({ ...NOTHING, useExternalIp: true }, undefined, setup);
  assert.equal(asks.useExternalIp, true);
  assert.equal(nodeSetup(NOTHING, undefined, asks).useExternalIp, true);
  assert.equal(nodeSetup({ ...NOTHING, nodeIp: '203.0.113.8' }, undefined, asks).useExternalIp, false);
});

test('an installation that kept no flags shows them in LiveKit’s configuration', () => {
  const made = livekitConfig({
    ...setup,
    region: 'eu',
    nodeIp: '203.0.113.7',
    keys: { APIold: 'secret' },
    webhook: { apiKey: 'APIold', url: 'https://s.example/hook' },
    redisUrl: 'redis://:pw@h',
    metricsUser: 'agent',
    metricsPassword: 'pw',
  });
  const identity = (url: string) => ({
    livekit: { binary: '', url, metricsUrl: '', metricsUser: '', metricsPassword: '' },
  });
  const text = configText(withOwn(made, setup.extra));
  const { masterIp: _, ...shown } = setup;
  assert.deepEqual(setupOf(identity('wss://e1.example.com'), text), shown);
  assert.equal(setupOf(identity('ws://203.0.113.7:4321'), text).nodeUrl, null);
  assert.equal(setupOf(identity('ws://[2001:db8::1]:4321'), 'port: [').ports.signal, 7880);
});
