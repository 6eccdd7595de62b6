import type { WireAnswer } from '../client/wire.ts';
import type { Credential } from '../ipc/connections.ts';
import { failure, type IpcFailure } from '../ipc/failure.ts';
import { hintOf, jsonOf, messageOf, refusal } from './probe.ts';
import type { KeptSecret, Secret } from './secret.ts';
import type { Transport } from './transport.ts';

const LOGIN = '/api/v1/auth/login';
const TIMEOUT = 20_000;

/** Turns what a person typed into what is kept: a password or a link is exchanged for a session immediately. */
export async function signIn(transport: Transport, credential: Credential, signal?: AbortSignal): Promise<KeptSecret> {
  switch (credential.kind) {
    case 'token':
      return { kind: 'token', token: credential.token.trim() };
    case 'password': {
      const { user, password, code } = credential;
      const token = await openSession(transport, LOGIN, { user, password, ...(code ? { code } : {}) }, signal);
      return { kind: 'password', user, password, token };
    }
    case 'exchange':
      return { kind: 'session', token: await openSession(transport, credential.path, credential.body, signal) };
  }
}

async function openSession(
  transport: Transport,
  path: string,
  body: Record<string, unknown>,
  signal: AbortSignal | undefined,
): Promise<string> {
  const answer = await postSignIn(transport, path, body, { signal });
  const token = (jsonOf(answer) as { data?: { token?: unknown } } | undefined)?.data?.token;
  if (typeof token !== 'string') throw failure('SIGN_IN_FAILED', { reason: 'its response contains no session' });
  return token;
}

/** Asks for a session. @throws what the daemon says against it */
export async function postSignIn(
  transport: Transport,
  path: string,
  body: Record<string, unknown>,
  { headers = {}, signal }: { headers?: Record<string, string>; signal?: AbortSignal | undefined } = {},
): Promise<WireAnswer> {
  const answer = await transport.request({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal,
    timeoutMs: TIMEOUT,
    maxBytes: 1_048_576,
  });
  if (answer.status !== 200 && answer.status !== 201) throw refused(answer, path, transport.base);
  return answer;
}

function refused(answer: WireAnswer, path: string, base: string): IpcFailure {
  const { code, details } = (jsonOf(answer) ?? {}) as { code?: unknown; details?: unknown };
  const said = messageOf(answer);
  if (code === 'TOTP_REQUIRED' || said === 'totp_required') return failure('SECOND_FACTOR_REQUIRED');
  if (code === 'TOTP_INVALID' || said === 'totp_invalid') return failure('SECOND_FACTOR_INVALID');
  if (code === 'ACCOUNT_CHOICE_REQUIRED') return failure('ACCOUNT_CHOICE_REQUIRED');
  if (answer.status === 404 && path === LOGIN)
    return failure('NO_PASSWORD_SIGN_IN', {}, { hint: 'Create an API token on the daemon and use it.' });
  if (answer.status === 429 || answer.status >= 500) return refusal(answer, base);
  return failure(
    'SIGN_IN_FAILED',
    { reason: said },
    { ...hintOf(answer), details: { status: answer.status, ...(Array.isArray(details) ? { fields: details } : {}) } },
  );
}

/** Ends a session on the daemon's side. An API token is left alone: it was not made here. */
export async function endSession(transport: Transport, secret: Secret): Promise<void> {
  if (secret.kind === 'token') return;
  await transport.request({
    method: 'DELETE',
    path: '/api/v1/auth/sessions/current',
    headers: { authorization: `Bearer ${secret.token}` },
    timeoutMs: 5000,
  });
}
