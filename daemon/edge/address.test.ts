import assert from 'node:assert/strict';
import test from 'node:test';
import { judgeAddress } from './address.ts';

const judge = (ip: string, more: object = {}) =>
  judgeAddress({ ip, isGiven: true, isMasterHere: false, isContainer: false, ...more });

test('addresses at which no client reaches a node are refused with what to do', () => {
  for (const ip of [
    '0.0.0.0',
    '::',
    '::1',
    '127.0.0.1',
    '127.1.2.3',
    '169.254.1.1',
    'fe80::1',
    'fe80::1%eth0',
    '224.0.0.1',
    '255.255.255.255',
    'ff02::1',
    '1.2.3',
    '::ffff:127.0.0.1',
    '::ffff:0.0.0.0',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '::ffff:169.254.1.1',
    'fe80::1%25eth0',
    '0177.0.0.1',
    ' 10.0.0.5',
    'host',
  ]) {
    assert.match(judge(ip).refuse ?? '', /--node-ip/, ip);
  }
  for (const ip of ['203.0.113.7', '10.0.0.5', '192.168.1.2', '2001:db8::7', '172.20.1.1'])
    assert.deepEqual(judge(ip), {}, ip);
  assert.deepEqual(judge('127.0.0.1', { isMasterHere: true }), {}, 'a trial on one machine');
});

test('an address of a container network is refused where it was found out, and questioned where it was given', () => {
  assert.match(judge('172.17.0.2', { isGiven: false }).refuse ?? '', /container network.*--node-ip/);
  assert.match(judge('::ffff:172.17.0.2', { isGiven: false }).refuse ?? '', /container network/);
  assert.match(judge('172.17.0.2').warn ?? '', /container network/);
  assert.match(judge('172.20.0.3', { isContainer: true, isGiven: false }).refuse ?? '', /container network/);
});

test('an address that only some clients can reach is questioned', () => {
  for (const ip of ['100.64.0.1', '100.127.255.254', '::ffff:100.64.0.1']) {
    assert.match(judge(ip, { isGiven: false }).warn ?? '', /same VPN/, ip);
    assert.equal(judge(ip).refuse, undefined);
  }
  assert.deepEqual(judge('100.128.0.1'), {});
});
