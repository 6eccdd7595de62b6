import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressKey } from '../http/client-address.ts';
import { AddressSet, isPrivateAddress, parseAddress, rangeText } from './addresses.ts';

test('an address is read in its usual forms only', () => {
  assert.equal(parseAddress('203.0.113.7')?.toString(), '203.0.113.7');
  assert.equal(parseAddress('::ffff:203.0.113.7')?.toString(), '203.0.113.7');
  assert.equal(parseAddress('2001:DB8::1')?.toString(), '2001:db8::1');
  for (const text of [
    '',
    '1',
    '127.1',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '2130706433',
    'localhost',
    '256.1.1.1',
    '1.2.3.4.5',
  ])
    assert.equal(parseAddress(text), undefined, text);
});

test('a range is stored in one form', () => {
  assert.equal(rangeText('203.0.113.77/24'), '203.0.113.0/24');
  assert.equal(rangeText('203.0.113.77/32'), '203.0.113.77');
  assert.equal(rangeText('203.0.113.77/0'), '0.0.0.0/0');
  assert.equal(rangeText('2001:db8:1:2:3::/60'), '2001:db8:1::/60');
  assert.equal(rangeText('::ffff:203.0.113.7/128'), '203.0.113.7');
  for (const text of ['203.0.113.0/33', '203.0.113.0/-1', '203.0.113.0/', 'x/8', '1.2.3.4/8/8', '::1/129'])
    assert.equal(rangeText(text), undefined, text);
});

test('an IPv6 client is counted by its /64', () => {
  assert.equal(addressKey('2001:db8:1:2:aaaa::1'), addressKey('2001:db8:1:2:bbbb::2'));
  assert.notEqual(addressKey('2001:db8:1:2::1'), addressKey('2001:db8:1:3::1'));
  assert.equal(addressKey('203.0.113.7'), '203.0.113.7');
});

test('a set matches addresses of its own family', () => {
  const set = new AddressSet(['10.0.0.0/8', '2001:db8::/32', '203.0.113.7']);
  for (const ip of ['10.255.0.1', '::ffff:10.0.0.1', '2001:db8:ffff::1', '203.0.113.7']) assert.ok(set.has(ip), ip);
  for (const ip of ['11.0.0.1', '203.0.113.8', '2001:db9::1', '::', 'junk', '']) assert.ok(!set.has(ip), ip);
  assert.throws(() => new AddressSet(['10.0.0.0/8', ' ']), RangeError);
});

test('loopback, private, link-local and shared addresses are private; the rest is not', () => {
  for (const ip of [
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '10.1.1.1',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.1.1',
    'fe80::1',
    'fd00::1',
    '100.64.0.1',
  ])
    assert.ok(isPrivateAddress(ip), ip);
  for (const ip of ['203.0.113.7', '172.32.0.1', '2001:db8::1', '8.8.8.8', '', 'junk', '0177.0.0.1'])
    assert.ok(!isPrivateAddress(ip), ip);
});
