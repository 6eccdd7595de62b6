import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressRefused, endpointProblem, guardedLookup } from './endpoint-policy.ts';

const open = { denyPrivate: false };
const strict = { denyPrivate: true };

const NEVER = [
  'ftp://files.example.com',
  'file:///etc/passwd',
  'not a url',
  'http://169.254.169.254/latest/meta-data',
  'http://169.254.0.1:9000',
  'http://2852039166/', // 169.254.169.254 as one number
  'http://0xa9fea9fe/',
  'http://[fe80::1]:9000',
  'http://[::ffff:169.254.169.254]/',
  'http://[64:ff9b::a9fe:a9fe]/',
  'http://[2002:a9fe:a9fe::1]/',
  'http://[fd00:ec2::254]/',
  'http://100.100.100.200/',
  'http://metadata.google.internal/',
  'http://METADATA.google.internal./',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
];
const PRIVATE = [
  'http://127.0.0.1:9000',
  'http://localhost:9000',
  'http://10.1.2.3',
  'http://192.168.1.5:9000',
  'http://[::1]:9000',
  'http://[fd12::1]',
  'http://0.0.0.0:9000',
  'http://[::ffff:10.0.0.1]',
];
const PUBLIC = ['https://s3.us-east-1.wasabisys.com', 'http://203.0.114.7:9000', 'https://[2a01:4f8::1]/'];

for (const url of NEVER) {
  test(`${url} is never allowed`, () => {
    assert.ok(endpointProblem(url, open));
    assert.ok(endpointProblem(url, strict));
  });
}
for (const url of PRIVATE) {
  test(`${url} is allowed unless private endpoints are denied`, () => {
    assert.equal(endpointProblem(url, open), undefined);
    assert.ok(endpointProblem(url, strict));
  });
}
for (const url of PUBLIC) {
  test(`${url} is allowed`, () => {
    assert.equal(endpointProblem(url, open), undefined);
    assert.equal(endpointProblem(url, strict), undefined);
  });
}

function look(policy: { denyPrivate: boolean }, all: boolean): Promise<unknown> {
  return new Promise((resolve, reject) => {
    guardedLookup(policy)('localhost', { all }, (error, address) => (error ? reject(error) : resolve(address)));
  });
}

test('a name is judged by what it resolves to', async () => {
  assert.match(String(await look(open, false)), /^(127\.|::1)/);
  assert.ok(Array.isArray(await look(open, true)));
  await assert.rejects(look(strict, false), AddressRefused);
  await assert.rejects(look(strict, true), AddressRefused);
});
