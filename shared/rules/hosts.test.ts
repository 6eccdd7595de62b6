import assert from 'node:assert/strict';
import test from 'node:test';
import { isLoopbackHost, isUrlHere } from './hosts.ts';

test('one reading of what is this machine', () => {
  for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.8.9.1', '::1', '[::1]', '[::ffff:7f00:1]'])
    assert.equal(isLoopbackHost(host), true, host);
  for (const host of ['', '0.0.0.0', '::', '192.0.2.1', 'localhost.example.com', '::12', 'fe80::1'])
    assert.equal(isLoopbackHost(host), false, host);
  for (const url of ['ws://localhost:7880', 'ws://[::1]:7880', 'http://0.0.0.0:1', 'wss://127.0.0.1'])
    assert.equal(isUrlHere(url), true, url);
  for (const url of ['', 'no address', 'ws://lk.example.com', 'ws://10.0.0.1'])
    assert.equal(isUrlHere(url), false, url);
});
