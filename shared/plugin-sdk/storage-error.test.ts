import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkError } from './network-error.ts';
import { STORAGE_ERRORS, StorageError } from './storage-error.ts';

test('an error of another copy of the SDK is recognised', async () => {
  const other = (await import(
    `${new URL('./storage-error.ts', import.meta.url).href}?copy`
  )) as typeof import('./storage-error.ts');
  assert.notEqual(other.StorageError, StorageError);
  const error: unknown = new other.StorageError('TIMEOUT');
  assert.ok(error instanceof StorageError);
  assert.ok(!(new Error('TIMEOUT') instanceof StorageError));
  assert.ok(!((null as unknown) instanceof StorageError));
});

test('keeps nothing of a native word but letters, digits and dashes', () => {
  const error = new StorageError('FAILED', { native: 'Slow<Down> AKIA="x" \n' });
  assert.equal(error.native, 'SlowDownAKIAx');
});

test('every code has a message and a cure', () => {
  for (const [code, { message, cure }] of Object.entries(STORAGE_ERRORS)) {
    assert.match(message, /^[A-Z].*\.$/, code);
    assert.match(cure, /^[A-Z].*\.$/, code);
  }
});

const NETWORK: [error: unknown, code: string | undefined][] = [
  [Object.assign(new Error(), { code: 'ECONNREFUSED' }), 'UNREACHABLE'],
  [Object.assign(new AggregateError([Object.assign(new Error(), { code: 'ECONNREFUSED' })]), {}), 'UNREACHABLE'],
  [Object.assign(new Error(), { code: 'ENOTFOUND' }), 'HOST_UNKNOWN'],
  [Object.assign(new Error(), { code: 'EPROTO' }), 'TLS_FAILED'],
  [Object.assign(new Error(), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'CERTIFICATE_REFUSED'],
  [Object.assign(new Error(), { code: 'PROXY_REFUSED' }), 'PROXY_FAILED'],
  [Object.assign(new Error(), { code: 'CERT_HAS_EXPIRED' }), 'CERTIFICATE_REFUSED'],
  [new Error('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) }), 'UNREACHABLE'],
  [Object.assign(new Error(), { name: 'AbortError' }), 'ABORTED'],
  [Object.assign(new Error(), { name: 'TimeoutError', code: 'ETIMEDOUT' }), 'TIMEOUT'],
  [new Error('something else'), undefined],
  ['text', undefined],
];
for (const [error, code] of NETWORK) {
  test(`${(error as { code?: string }).code ?? String(error)} is ${code}`, () =>
    assert.equal(networkError(error)?.code, code));
}
