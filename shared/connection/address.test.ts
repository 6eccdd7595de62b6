import assert from 'node:assert/strict';
import test from 'node:test';
import { baseUrl, nameOf } from './address.ts';

test('an address is completed from what people type', () => {
  const cases: Record<string, string> = {
    'studio.example.com': 'https://studio.example.com',
    ' https://studio.example.com/ ': 'https://studio.example.com',
    'studio.example.com:8443': 'https://studio.example.com:8443',
    'https://studio.example.com/api/v1/docs': 'https://studio.example.com',
    'https://studio.example.com/hub/api/v1': 'https://studio.example.com/hub',
    'https://studio.example.com/hub/?a=1#b': 'https://studio.example.com/hub',
    'http://studio.example.com': 'http://studio.example.com',
    'HTTPS://Studio.Example.com:443': 'https://studio.example.com',
    localhost: 'http://localhost:3020',
    'localhost:4000': 'http://localhost:4000',
    '127.0.0.1:3020': 'http://127.0.0.1:3020',
    '192.168.1.20': 'http://192.168.1.20:3020',
    '172.32.0.1': 'https://172.32.0.1',
    '[::1]:3020': 'http://[::1]:3020',
    '[fd00::2]': 'http://[fd00::2]:3020',
    '203.0.113.9': 'https://203.0.113.9',
    'https://127.0.0.1:9443': 'https://127.0.0.1:9443',
    'bücher.example': 'https://xn--bcher-kva.example',
  };
  for (const [typed, expected] of Object.entries(cases)) assert.equal(baseUrl(typed), expected, typed);
});

test('what is no address of a daemon says why', () => {
  for (const typed of [
    '',
    ' ',
    'a b',
    'ftp://x',
    'file:///etc/passwd',
    'javascript://x',
    'https://user:pw@host',
    'https://',
    'http://:80',
  ])
    assert.throws(() => baseUrl(typed), { code: 'BAD_URL' }, typed);
});

test('a connection without a name is called by its host', () => {
  assert.equal(nameOf('https://studio.example.com/hub'), 'studio.example.com/hub');
  assert.equal(nameOf('http://127.0.0.1:3020'), '127.0.0.1:3020');
});
