import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { hostOf, networkError } from './network-error.ts';
import { StorageError } from './storage-error.ts';
import type { NetworkGuard, StorageClient, StorageContext, StorageProvider } from './storage-provider.ts';

export const STORAGE_TEST_STEPS = ['resolve', 'connect', 'sign', 'write', 'read', 'list', 'delete'] as const;
export type StorageTestStepId = (typeof STORAGE_TEST_STEPS)[number];

const CONNECT_TIMEOUT_MS = 10_000;

/** One step of a connection test. */
export interface StorageTestStep {
  id: StorageTestStepId;
  state: 'ok' | 'failed' | 'skipped';
  /** What was found, or what went wrong. */
  message: string;
  durationMs: number;
  /** A `StorageErrorCode`, of a failed step. */
  code?: string;
  /** What can be done about it, of a failed step. */
  cure?: string;
}

export interface StorageTestOptions {
  /** Key of the probe object; nothing else is written, read or deleted. */
  probeKey: string;
  signal?: AbortSignal;
  /** Time limit of each step, milliseconds. */
  stepTimeoutMs?: number;
}

/**
 * Tries a storage step by step: resolve its name, connect, make a signed request, write, read, list and delete a probe
 * object. A step that others stand on ends the test; reading, listing and deleting are tried each by itself, so that a
 * missing right is named. The probe is removed again whenever it was written.
 */
export async function testStorage(
  provider: StorageProvider<any>,
  context: StorageContext,
  { probeKey, signal: stop, stepTimeoutMs = 15_000 }: StorageTestOptions,
): Promise<StorageTestStep[]> {
  const steps: StorageTestStep[] = [];
  const run = async (id: StorageTestStepId, action: (signal: AbortSignal) => Promise<string>): Promise<boolean> => {
    const limit = AbortSignal.timeout(stepTimeoutMs);
    const signal = stop ? AbortSignal.any([stop, limit]) : limit;
    const start = performance.now();
    const durationMs = () => Math.round((performance.now() - start) * 10) / 10;
    try {
      const message = await untilAborted(action(signal), signal);
      steps.push({ id, state: 'ok', message, durationMs: durationMs() });
      return true;
    } catch (error) {
      const known = limit.aborted
        ? new StorageError('TIMEOUT')
        : error instanceof StorageError
          ? error
          : new StorageError('FAILED');
      const { code, cure } = known;
      const message = known.native && known.native !== code ? `${known.message} (${known.native})` : known.message;
      steps.push({ id, state: 'failed', message, durationMs: durationMs(), code, cure });
      return false;
    }
  };
  const skipRest = () => {
    for (const id of STORAGE_TEST_STEPS.slice(steps.length)) {
      steps.push({ id, state: 'skipped', message: 'Not tried, because an earlier step failed.', durationMs: 0 });
    }
    return steps;
  };

  const endpoint = provider.endpoint?.(context.settings);
  if (endpoint === undefined) {
    for (const id of ['resolve', 'connect'] as const) {
      steps.push({ id, state: 'skipped', message: 'This provider uses no network.', durationMs: 0 });
    }
  } else {
    if (!(await run('resolve', () => resolveHost(endpoint, context.guard)))) return skipRest();
    if (!(await run('connect', () => connectOnce(endpoint, context.guard)))) return skipRest();
  }

  let client: StorageClient | undefined;
  const body = `StreamHub connection test ${probeKey}`;
  try {
    const signed = await run('sign', async (signal) => {
      client = await provider.open(context);
      return signedRequest(client, probeKey, signal);
    });
    if (!signed || client === undefined) return skipRest();
    const storage = client;
    if (
      !(await run('write', async (signal) => {
        await storage.put(probeKey, body, { contentType: 'text/plain', signal });
        return `Wrote ${probeKey}.`;
      }))
    ) {
      return skipRest();
    }
    await run('read', async (signal) => {
      const { body: stream } = await storage.get(probeKey, { signal });
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(Buffer.from(chunk));
      if (Buffer.concat(chunks).toString() !== body) throw new StorageError('INTEGRITY');
      return 'Read back what was written.';
    });
    await run('list', async (signal) => {
      for await (const page of storage.list({ prefix: probeKey, pageSize: 10, signal })) {
        if (page.some((object) => object.key === probeKey)) return 'The listing shows it.';
      }
      throw new StorageError('FAILED', { detail: 'The listing does not show the object just written.' });
    });
    await run('delete', async (signal) => {
      const allVersions = provider.capabilities.versions;
      const options = { signal, ...(allVersions ? { allVersions } : {}) };
      const { failed, versionsKept } = await storage.deleteMany([probeKey], options);
      if (failed[0]) throw new StorageError(failed[0].code as StorageError['code']);
      return versionsKept ? `Deleted; ${versionsStay(allVersions)}` : 'Deleted it again.';
    });
    return steps;
  } finally {
    client?.dispose();
  }
}

/**
 * Says why what was deleted still takes space.
 * @param wereAsked whether the provider can remove versions: then the key or a lock did not let it
 */
function versionsStay(wereAsked: boolean): string {
  const why = wereAsked
    ? 'this key may not list or delete them, or a lock holds them'
    : 'this provider does not remove them';
  return `the bucket keeps older versions, and ${why}. They take space until a lifecycle rule of the bucket removes them.`;
}

/** A refused right proves the signature as well as an answer does. */
async function signedRequest(client: StorageClient, prefix: string, signal: AbortSignal | undefined): Promise<string> {
  try {
    for await (const _page of client.list({ prefix, pageSize: 1, signal })) break;
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== 'ACCESS_DENIED') throw error;
    return 'The credentials are accepted, without the right to list.';
  }
  return 'The credentials are accepted.';
}

async function resolveHost(endpoint: string, guard: NetworkGuard): Promise<string> {
  guard.check(endpoint);
  const host = hostOf(endpoint);
  if (isIP(host)) return `${host} is an address.`;
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  // through the guard, so that nothing is told of addresses that must not be contacted
  guard.lookup(host, { all: true }, (error, found) => {
    if (error) reject(networkError(error) ?? new StorageError('HOST_UNKNOWN'));
    else resolve((Array.isArray(found) ? found : [{ address: found }]).map((entry) => entry.address));
  });
  const addresses = await promise;
  return `${host} is ${addresses.slice(0, 4).join(', ')}.`;
}

async function connectOnce(endpoint: string, guard: NetworkGuard): Promise<string> {
  const url = new URL(endpoint);
  const host = hostOf(endpoint);
  const secure = url.protocol === 'https:';
  const port = Number(url.port || (secure ? 443 : 80));
  const options = { host, port, lookup: guard.lookup };
  return new Promise((resolve, reject) => {
    const socket: Socket = secure
      ? connectTls({ ...options, servername: isIP(host) ? '' : host })
      : connectTcp(options);
    const end = (error?: StorageError) => {
      socket.destroy();
      if (error) reject(error);
      else resolve(`Connected to port ${port}${secure ? ' over TLS' : ', not encrypted'}.`);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => end(new StorageError('TIMEOUT')));
    socket.once(secure ? 'secureConnect' : 'connect', () => end());
    socket.once('error', (error: NodeJS.ErrnoException) => end(networkError(error) ?? new StorageError('UNREACHABLE')));
  });
}

/** Ends the wait for a step whose client does not look at the signal. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(new StorageError('ABORTED'));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
