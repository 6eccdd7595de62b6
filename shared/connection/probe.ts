import type { WireAnswer } from '../client/wire.ts';
import { failure, type IpcFailure } from '../ipc/failure.ts';
import type { AuthContext } from '../schema/auth.ts';
import { authorization } from './secret.ts';
import type { Transport } from './transport.ts';

const TIMEOUT = 10_000;

export interface Health {
  version: string;
  latencyMs: number;
}

/** Asks the daemon whether it is there. @throws what keeps it from answering, or NOT_STREAMHUB */
export async function checkHealth(transport: Transport, signal?: AbortSignal): Promise<Health> {
  const started = performance.now();
  const answer = await transport.request({ path: '/api/v1/health', signal, timeoutMs: TIMEOUT, maxBytes: 65_536 });
  const latencyMs = Math.round((performance.now() - started) * 10) / 10;
  const { base } = transport;
  const stranger = (reason: string): IpcFailure =>
    failure(
      'NOT_STREAMHUB',
      { url: base, reason },
      { hint: 'Check that the address is complete, with port and path.' },
    );
  const down = gatewayFailure(answer, base);
  if (down !== undefined) throw down;
  const health = jsonOf(answer) as { status?: unknown; version?: unknown } | undefined;
  if (answer.status !== 200) throw stranger(`it answers /api/v1/health with HTTP ${answer.status}`);
  if (health?.status !== 'ok' || typeof health.version !== 'string')
    throw stranger('its health response has another format');
  return { version: health.version, latencyMs };
}

export type Recognition = { accepted: true; account: AuthContext | null } | { accepted: false; message: string };

/** Asks the daemon whom it takes a credential for; an empty token stands for the browser's cookie. @throws when it gives no judgement */
export async function recognise(transport: Transport, token: string, signal?: AbortSignal): Promise<Recognition> {
  const ask = (path: string) =>
    transport.request({
      path: `/api/v1${path}`,
      headers: authorization(token),
      signal,
      timeoutMs: TIMEOUT,
      maxBytes: 1_048_576,
    });
  let answer = await ask('/auth/me');
  let account: AuthContext | null = null;
  // a daemon without sign-in has no such route; the list of apps asks for no more than a valid credential
  if (answer.status === 404) answer = await ask('/apps');
  else if (answer.status === 200) account = accountOf(jsonOf(answer));
  if (answer.status === 200) return { accepted: true, account };
  if (answer.status === 401) return { accepted: false, message: messageOf(answer) };
  throw refusal(answer, transport.base);
}

function accountOf(body: unknown): AuthContext | null {
  const data = (body as { data?: unknown } | undefined)?.data;
  return typeof data === 'object' && data !== null ? (data as AuthContext) : null;
}

/** What a proxy answers in the place of a daemon that is away. */
function gatewayFailure({ status, headers }: WireAnswer, base: string): IpcFailure | undefined {
  if (status !== 502 && status !== 503 && status !== 504) return undefined;
  if (/json/.test(headers['content-type'] ?? '')) return undefined;
  return failure(
    'DAEMON_DOWN',
    { host: new URL(base).host, status },
    { hint: 'Start the daemon, or correct its address in the proxy.' },
  );
}

/** An answer that is neither yes nor no. */
export function refusal(answer: WireAnswer, base: string): IpcFailure {
  const down = gatewayFailure(answer, base);
  if (down !== undefined) return down;
  if (answer.status === 429) return failure('RATE_LIMITED', { seconds: Number(answer.headers['retry-after'] ?? 60) });
  return failure('SIGN_IN_FAILED', { reason: messageOf(answer) }, hintOf(answer));
}

export function jsonOf({ body }: WireAnswer): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** The daemon's own sentence, without its full stop. */
export function messageOf(answer: WireAnswer): string {
  const body = jsonOf(answer) as { message?: unknown; error?: unknown } | undefined;
  const said = [body?.message, body?.error].find((value) => typeof value === 'string') as string | undefined;
  return (said ?? `HTTP ${answer.status}`).replace(/\.$/, '');
}

export function hintOf(answer: WireAnswer): { hint?: string } {
  const hint = (jsonOf(answer) as { hint?: unknown } | undefined)?.hint;
  return typeof hint === 'string' ? { hint } : {};
}
