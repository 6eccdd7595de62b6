import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiError } from '#shared/errors.ts';
import { LiveKitError, toApiError, translate } from './errors.ts';

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJBUEkifQ.c2lnbmF0dXJl';
const server = (status: number, message: string, code?: string) =>
  Object.assign(new Error(message), { name: 'Some', status, code });
const clean = (text: string) => text.replaceAll(TOKEN, '[gone]');

test('what a failure of the library becomes', () => {
  const timeout = Object.assign(new Error('x'), { name: 'TimeoutError' });
  const refused = Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } });
  const cases: [unknown, string, RegExp][] = [
    [timeout, 'timeout', /within 5 s/],
    [refused, 'unreachable', /connection was refused/],
    [Object.assign(new TypeError('fetch failed'), { cause: { code: 'EWHATEVER' } }), 'unreachable', /EWHATEVER/],
    [server(401, `invalid token: ${TOKEN}`), 'unauthorized', /^the API key or secret is not accepted$/],
    [server(404, 'requested room does not exist'), 'missing', /does not exist/],
    [server(503, 'no response from servers', 'unavailable'), 'busy', /no response/],
    [server(408, 'context', 'deadline_exceeded'), 'timeout', /context/],
    [server(400, `bad ${TOKEN} here`), 'refused', /^bad \[gone\] here$/],
    [server(400, 'x'.repeat(5000)), 'refused', /^x{299}…$/],
    [server(500, ''), 'busy', /status 500/],
    ['nonsense', 'unreachable', /cannot be reached/],
    [undefined, 'unreachable', /cannot be reached/],
  ];
  for (const [error, failure, reason] of cases) {
    const translated = translate(error, 5, clean);
    assert.equal(translated.failure, failure);
    assert.match(translated.message, reason);
    assert.doesNotMatch(JSON.stringify([translated, translated.stack, translated.cause]), /eyJ/);
  }
});

test('what the caller of the API is told', () => {
  const codeOf = (failure: LiveKitError['failure']) => (toApiError(new LiveKitError(failure, 'why')) as ApiError).code;
  assert.deepEqual(
    (['unconfigured', 'unreachable', 'timeout', 'busy', 'unauthorized', 'missing', 'refused'] as const).map(codeOf),
    [
      'LIVEKIT_NOT_CONFIGURED',
      'LIVEKIT_UNREACHABLE',
      'LIVEKIT_UNREACHABLE',
      'LIVEKIT_UNREACHABLE',
      'LIVEKIT_REFUSED',
      'LIVEKIT_REFUSED',
      'LIVEKIT_REFUSED',
    ],
  );
  const other = new Error('other');
  assert.equal(toApiError(other), other);
});
