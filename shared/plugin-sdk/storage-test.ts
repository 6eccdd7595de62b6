import type { IncomingMessage, RequestOptions } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { hostOf, networkError } from './network-error.ts';
import { StorageError, withAnswer } from './storage-error.ts';
import type { NetworkGuard, StorageClient, StorageContext, StorageProvider } from './storage-provider.ts';
import { wholeBody } from './whole-body.ts';

export const STORAGE_TEST_STEPS = [
  'resolve',
  'connect',
  'sign',
  'write',
  'multipart',
  'read',
  'link',
  'pages',
  'list',
  'delete',
] as const;
export type StorageTestStepId = (typeof STORAGE_TEST_STEPS)[number];

const CONNECT_TIMEOUT_MS = 10_000;
/** Far more than the test writes. */
const MAX_TEXT_BYTES = 1_000_000;

/** One step of a connection test. */
export interface StorageTestStep {
  id: StorageTestStepId;
  /** `warning`: recordings work, something else does not. */
  state: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What was found, or what went wrong. */
  message: string;
  durationMs: number;
  /** A `StorageErrorCode`, of a failed step. */
  code?: string;
  /** What can be done about it, of a failed step or one with a warning. */
  cure?: string;
  /** The storage's own error code, of a failed step. */
  native?: string;
  /** HTTP status of its answer. */
  status?: number;
  /** Its id of the request, which the storage's operator can look up. */
  requestId?: string;
}

export interface StorageTestOptions {
  /** Key of the probe object. A second one ends with `-parts`; nothing else is written, read or deleted. */
  probeKey: string;
  signal?: AbortSignal;
  /** Time limit of each step, milliseconds. */
  stepTimeoutMs?: number;
  /** Origin of the pages that play recordings. */
  pageOrigin?: string;
}

/**
 * Tries a storage step by step, with the calls that recordings and purges make: resolve its name, connect, make a signed
 * request, write a probe object, write a second one in parts, read, open a signed link, also as a page of another site
 * does, list, and delete both in one call.
 * A step that others depend on ends the test; the later ones are tried each by itself, so that a missing right is named.
 * What was written is removed again.
 */
export async function testStorage(
  provider: StorageProvider<any>,
  context: StorageContext,
  { probeKey, signal: stop, stepTimeoutMs = 15_000, pageOrigin = 'https://player.example.com' }: StorageTestOptions,
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
      if (error instanceof PagesRefused) {
        steps.push({ id, state: 'warning', message: error.message, cure: PAGES_CURE, durationMs: durationMs() });
        return true;
      }
      const known = limit.aborted
        ? new StorageError('TIMEOUT')
        : error instanceof StorageError
          ? error
          : new StorageError('FAILED');
      const { code, cure, answer } = known;
      const message = withAnswer(known.message, answer);
      steps.push({ id, state: 'failed', message, durationMs: durationMs(), code, cure, ...answer });
      return false;
    }
  };
  const skip = (id: StorageTestStepId, message: string) => steps.push({ id, state: 'skipped', message, durationMs: 0 });
  const skipRest = () => {
    for (const id of STORAGE_TEST_STEPS.slice(steps.length)) {
      skip(id, 'Skipped, because an earlier step failed.');
    }
    return steps;
  };

  const endpoint = provider.endpoint?.(context.settings);
  if (endpoint === undefined) {
    for (const id of ['resolve', 'connect'] as const) skip(id, 'This provider uses no network.');
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
    const partsKey = `${probeKey}-parts`;
    const written = [probeKey];
    if (provider.capabilities.multipart) {
      const inParts = await run('multipart', async (signal) => {
        await storage.put(partsKey, Readable.from([Buffer.from(body)]), { inParts: true, signal });
        return 'Wrote an object in parts, as recordings are.';
      });
      if (inParts) written.push(partsKey);
    } else {
      await run('multipart', async (signal) => {
        await storage.put(partsKey, body, { signal });
        return 'Wrote a second object; this provider takes none in parts.';
      });
      written.push(partsKey);
    }
    await run('read', async (signal) => {
      for (const key of written) {
        const { body: stream } = await storage.get(key, { signal });
        if ((await textOf(stream)) !== body) throw new StorageError('INTEGRITY');
      }
      return 'Read back what was written.';
    });
    if (provider.capabilities.presign && storage.presignGet !== undefined) {
      const opens = await run('link', (signal) =>
        openLink(storage, { key: probeKey, body, guard: context.guard, signal }),
      );
      if (opens) {
        await run('pages', async (signal) => {
          const { guard } = context;
          if (await letsPagesRead(storage, { key: probeKey, pageOrigin, guard, signal }))
            return `Pages at ${pageOrigin} may read it.`;
          throw new PagesRefused(pageOrigin);
        });
      } else skip('pages', 'Skipped, because no link opens.');
    } else {
      skip('link', 'This provider makes no signed links.');
      skip('pages', 'This provider makes no signed links.');
    }
    await run('list', async (signal) => {
      for await (const page of storage.list({ prefix: probeKey, pageSize: 10, signal })) {
        if (page.some((object) => object.key === probeKey)) return 'The listing shows it.';
      }
      throw new StorageError('FAILED', { detail: 'The listing does not show the object just written.' });
    });
    await run('delete', async (signal) => {
      const allVersions = provider.capabilities.versions;
      const options = { signal, ...(allVersions ? { allVersions } : {}) };
      const calls = provider.capabilities.bulkDelete ? [written] : written.map((key) => [key]);
      let kept = 0;
      let refusal: string | undefined;
      for (const keys of calls) {
        const { failed, versionsKept = 0, bulkRefusal } = await storage.deleteMany(keys, options);
        if (failed[0]) throw new StorageError(failed[0].code as StorageError['code'], failed[0]);
        kept += versionsKept;
        refusal ??= bulkRefusal;
      }
      const how =
        refusal === undefined ? 'Deleted' : `Deleted one by one, because bulk deletes are refused (${refusal})`;
      return kept > 0 ? `${how}; ${versionsStay(allVersions)}` : `${how}.`;
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

const PAGES_CURE =
  'Allow pages to read the bucket: POST /apps/{name}/s3/cors, or the button “Allow pages”. Or add a CORS rule yourself: origin *, methods GET and HEAD.';

/** Recordings are stored, but hls.js can't read them. */
class PagesRefused extends Error {
  constructor(origin: string) {
    super(`The bucket does not let pages at ${origin} read it (CORS), so browsers can’t play HLS from it.`);
  }
}

/** Opens a signed link as a page of another site does: does the storage's answer allow it to read the object (CORS)? */
export async function letsPagesRead(
  storage: StorageClient,
  { key, pageOrigin, guard, signal }: { key: string; pageOrigin: string; guard: NetworkGuard; signal: AbortSignal },
): Promise<boolean> {
  const link = await storage.presignGet?.(key, { expiresIn: 60, signal });
  if (link === undefined) throw new StorageError('UNSUPPORTED');
  guard.check(link);
  const answer = await ask(link, guard, { headers: { origin: pageOrigin }, signal });
  answer.resume();
  return ['*', pageOrigin].includes(answer.headers['access-control-allow-origin'] ?? '');
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

/** Opens a signed link as a player does, a part of the object first, and as a browser does that saves it. */
async function openLink(
  storage: StorageClient,
  { key, body, guard, signal }: { key: string; body: string; guard: NetworkGuard; signal: AbortSignal },
): Promise<string> {
  const sign = storage.presignGet?.bind(storage);
  if (sign === undefined) throw new StorageError('UNSUPPORTED');
  const link = await sign(key, { expiresIn: 60, signal });
  const part = await fetchLink(link, guard, { range: 'bytes=0-8' }, signal);
  const saved = await fetchLink(
    await sign(key, { expiresIn: 60, downloadName: 'test.txt', signal }),
    guard,
    {},
    signal,
  );
  if (saved !== body || (part !== body.slice(0, 9) && part !== body)) throw new StorageError('INTEGRITY');
  return part === body ? 'A signed link opens it, but only as a whole: players can’t seek.' : 'A signed link opens it.';
}

async function fetchLink(
  link: string,
  guard: NetworkGuard,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<string> {
  guard.check(link);
  try {
    const answer = await ask(link, guard, { headers, signal });
    const text = await textOf(answer);
    const { statusCode: status = 0 } = answer;
    if (status === 200 || status === 206) return text;
    const native = /<Code>([\w.-]{1,64})<\/Code>/.exec(text)?.[1];
    const requestId = answer.headers['x-amz-request-id']?.toString();
    throw new StorageError(status >= 500 ? 'UNAVAILABLE' : 'LINK_REFUSED', { native, status, requestId });
  } catch (error) {
    throw networkError(error) ?? new StorageError('FAILED');
  }
}

/** One request, the way that the storage's client takes. @throws StorageError */
async function ask(url: string, guard: NetworkGuard, options: RequestOptions): Promise<IncomingMessage> {
  const isTls = url.startsWith('https:');
  const { request } = await (isTls ? import('node:https') : import('node:http'));
  const agent = guard.agents?.({ keepAlive: false })[isTls ? 'https' : 'http'] ?? false;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const asked = request(url, { timeout: CONNECT_TIMEOUT_MS, ...options, lookup: guard.lookup, agent }, resolve);
  asked.on('timeout', () => asked.destroy(new StorageError('TIMEOUT')));
  asked.on('error', (error) => reject(networkError(error) ?? new StorageError('FAILED'))).end();
  return promise;
}

async function textOf(stream: Readable): Promise<string> {
  return (await wholeBody(stream, MAX_TEXT_BYTES)).toString();
}

async function resolveHost(endpoint: string, guard: NetworkGuard): Promise<string> {
  guard.check(endpoint);
  const host = hostOf(endpoint);
  const proxy = guard.proxy?.(endpoint);
  if (proxy !== undefined) return `The proxy ${proxy} is asked to find ${host}.`;
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
  const proxy = guard.proxy?.(endpoint);
  if (proxy !== undefined) {
    // any answer of the endpoint shows that the proxy lets it through
    (await ask(endpoint, guard, { method: 'HEAD' })).destroy();
    return `Connected through the proxy ${proxy}.`;
  }
  const url = new URL(endpoint);
  const host = hostOf(endpoint);
  const secure = url.protocol === 'https:';
  const port = Number(url.port || (secure ? 443 : 80));
  const options = { host, port, lookup: guard.lookup };
  return new Promise((resolve, reject) => {
    const socket: Socket = secure
      ? process.getBuiltinModule('node:tls').connect({ ...options, servername: isIP(host) ? '' : host })
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
