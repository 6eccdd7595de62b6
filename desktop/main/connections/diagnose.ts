import dns from 'node:dns/promises';
import { once } from 'node:events';
import net from 'node:net';
import { networkFailure } from '#shared/connection/network-failure.ts';
import type { Health, Recognition } from '#shared/connection/probe.ts';
import type { Certificate, TestReport, TestStep } from '#shared/ipc/connections.ts';
import { failure, type IpcErrorCode, IpcFailure } from '#shared/ipc/outcome.ts';
import type { AuthContext } from '#shared/schema/auth.ts';
import { checkHealth } from './probe.ts';
import type { Transport } from './transport.ts';

type StepId = TestStep['id'];
type Verdict = Pick<TestStep, 'status' | 'message'> & { cure?: string };

const TITLES: Record<StepId, string> = {
  resolve: 'Find the host',
  reach: 'Reach the port',
  tls: 'Encrypt',
  version: 'Recognize the daemon',
  'sign-in': 'Sign in',
  rights: 'Check permissions',
};
/** For failures that bring a separate hint. */
const CURES: Partial<Record<IpcErrorCode, string>> = {
  SECOND_FACTOR_REQUIRED: 'Enter the code from the authenticator app, or a recovery code.',
  SECOND_FACTOR_INVALID: 'Enter the current code. The clocks of both devices must agree.',
  RATE_LIMITED: 'Wait, or sign in with an API token.',
  NO_CREDENTIAL: 'Sign in again.',
};
const LAST_CURE = 'Check the daemon’s log, and send this report to the person who helps you.';
const CONNECT_TIMEOUT = 10_000;
const SOON = 14 * 86_400_000;

export interface DiagnoseOptions {
  transport: Transport;
  /** Signs in and says who that is; absent = no credential to try. */
  recognise?: (signal: AbortSignal) => Promise<Recognition>;
  onStep(step: TestStep): void;
  signal: AbortSignal;
}

const passed = (message: string): Verdict => ({ status: 'passed', message });
const warning = (message: string, cure: string): Verdict => ({ status: 'warning', message, cure });
const skipped = (message: string): Verdict => ({ status: 'skipped', message });

/** Tries the way to a daemon step by step; after the first failure the rest is not tried. @throws CANCELLED */
export async function diagnose(options: DiagnoseOptions): Promise<TestReport> {
  const { transport, signal } = options;
  const url = new URL(transport.base);
  const steps: TestStep[] = [];
  let failed: IpcFailure | undefined;
  let health: Health | IpcFailure | undefined;
  let recognition: Recognition | undefined;

  const step = async (id: StepId, work: () => Promise<Verdict> | Verdict): Promise<void> => {
    const started = performance.now();
    let verdict: Verdict;
    if (failed !== undefined) verdict = skipped('Skipped, because an earlier step failed.');
    else {
      try {
        verdict = await work();
      } catch (error) {
        if (signal.aborted) throw failure('CANCELLED');
        failed = networkFailure(error, url.host, CONNECT_TIMEOUT / 1000);
        verdict = { status: 'failed', message: failed.message, cure: failed.hint ?? CURES[failed.code] ?? LAST_CURE };
      }
    }
    const done: TestStep = {
      number: steps.length + 1,
      id,
      title: TITLES[id],
      status: verdict.status,
      message: verdict.message,
      cure: verdict.cure ?? null,
      ms: Math.round(performance.now() - started),
    };
    steps.push(done);
    options.onStep(done);
  };

  await step('resolve', () => resolve(url.hostname));
  await step('reach', () => reach(url, signal));
  await step('tls', async () => {
    if (url.protocol === 'http:') return unencrypted(url.hostname);
    health = await checkHealth(transport, signal).catch((error: IpcFailure) => error);
    if (health instanceof IpcFailure && (health.code.startsWith('TLS_') || transport.certificate === null))
      throw health;
    return encrypted(transport.certificate, transport.route.pinned);
  });
  await step('version', async () => {
    health ??= await checkHealth(transport, signal);
    if (health instanceof IpcFailure) throw health;
    return passed(`StreamHub ${health.version} responded in ${health.latencyMs} ms.`);
  });
  await step('sign-in', async () => {
    if (options.recognise === undefined) return skipped('No credential was entered.');
    recognition = await options.recognise(signal);
    if (!recognition.accepted)
      throw failure(
        'SIGN_IN_FAILED',
        { reason: recognition.message },
        { hint: 'Check that the token is complete, not revoked, and allowed from this address, or create a new one.' },
      );
    return passed(nameOf(recognition.account));
  });
  await step('rights', () => {
    if (recognition === undefined) return skipped('You are not signed in.');
    return rights(recognition.accepted ? recognition.account : null);
  });

  const version = health === undefined || health instanceof IpcFailure ? null : health.version;
  return {
    ok: failed === undefined,
    url: transport.base,
    steps,
    certificate: transport.certificate,
    needsTrust: failed?.code === 'TLS_UNTRUSTED' || failed?.code === 'TLS_CHANGED',
    version,
    account: recognition?.accepted ? recognition.account : null,
    passwordSignIn: version !== null && (await takesPasswords(transport, signal)),
  };
}

async function resolve(hostname: string): Promise<Verdict> {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (net.isIP(host) !== 0) return passed(`${host} is an address.`);
  const found = await dns.lookup(host, { all: true });
  return passed(`${host} is ${found.map(({ address }) => address).join(', ')}.`);
}

async function reach(url: URL, signal: AbortSignal): Promise<Verdict> {
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const socket = net.connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port, autoSelectFamily: true });
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT)]) });
    return passed(`${socket.remoteAddress ?? url.hostname} accepts connections on port ${port}.`);
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error;
    throw Object.assign(new Error('too slow'), { code: 'ETIMEDOUT' });
  } finally {
    socket.on('error', () => {}).destroy();
  }
}

function unencrypted(hostname: string): Verdict {
  const isHere = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  if (isHere) return skipped('Not needed, because the connection stays on this machine.');
  return warning(
    'The address is http: everything, including the credential, crosses the network unencrypted.',
    'Use https with a reverse proxy that has a certificate, or use a VPN.',
  );
}

function encrypted(certificate: Certificate | null, pinned: string | null): Verdict {
  if (certificate === null) return passed('Encrypted.');
  const until = certificate.validTo.slice(0, 10);
  if (certificate.fingerprint === pinned) return passed(`The certificate is the pinned one (${until}).`);
  const left = Date.parse(certificate.validTo) - Date.now();
  if (left < SOON)
    return warning(`The certificate from ${certificate.issuer} expires on ${until}.`, 'Renew it before then.');
  return passed(`Signed by ${certificate.issuer}, valid until ${until}.`);
}

function nameOf(account: AuthContext | null): string {
  if (account === null) return 'The credential is accepted.';
  const who = account.email ?? account.name ?? account.userId;
  return account.via === 'api_token' ? `Accepted as API token (${who}).` : `Signed in as ${who}.`;
}

function rights(account: AuthContext | null): Verdict {
  if (account === null) return passed('The daemon doesn’t report the permissions of a credential.');
  if (account.scope === 'global') return passed('Full access to this daemon.');
  if (account.scope === 'app')
    return warning(
      `Access to one app only (number ${account.appId ?? '?'}); cluster, tokens and settings are hidden.`,
      'To manage the whole daemon, use a token with global scope.',
    );
  if (account.tenantId === null || !account.permissions.includes('app:read'))
    throw failure(
      'SIGN_IN_FAILED',
      { reason: 'the account has no team and no access to apps' },
      { hint: 'Ask a team owner for an invitation.' },
    );
  return passed(`${account.role ?? 'Member'} of ${account.tenantName ?? account.tenantId}.`);
}

async function takesPasswords(transport: Transport, signal: AbortSignal): Promise<boolean> {
  try {
    return (await transport.request({ path: '/api/v1/auth/config', signal, timeoutMs: 5000 })).status === 200;
  } catch {
    return false;
  }
}
