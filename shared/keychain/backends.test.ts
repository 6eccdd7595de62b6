import assert from 'node:assert/strict';
import test from 'node:test';
import { loadBackend } from './backends.ts';

const refuse =
  (...names: string[]) =>
  (name: string) =>
    names.includes(name) ? Promise.reject(new Error(`Cannot find ${name}\nat x`)) : import(name);

test('without any module the reasons of both are said', async () => {
  await assert.rejects(loadBackend(refuse('keytar', '@napi-rs/keyring')), {
    code: 'KEYCHAIN_NONE',
    message:
      'This machine has no keychain: no keychain module can be loaded (keytar: Cannot find keytar; @napi-rs/keyring: Cannot find @napi-rs/keyring)',
  });
});

test('a module that loads but is something else does not count', async () => {
  await assert.rejects(
    loadBackend(async () => ({ default: {} })),
    { code: 'KEYCHAIN_NONE' },
  );
});
