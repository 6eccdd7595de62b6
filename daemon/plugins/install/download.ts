import type http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { AddressRefused, type EndpointPolicy, endpointProblem } from '#daemon/platform/net/endpoint-policy.ts';
import { guardedAgents } from '#daemon/platform/net/guarded-agents.ts';
import { networkFailure } from '#daemon/platform/net/network-failures.ts';
import { VERSION } from '#daemon/platform/version.ts';
import { ApiError, fieldError } from '#shared/errors.ts';

/** Addresses that a download may be sent on to, as releases on GitHub are. */
const MAX_REDIRECTS = 5;
const LIMIT_MS = 120_000;
/** Longest silence of the other side. */
const SILENCE_MS = 15_000;

/** Why the daemon must not download from an address; undefined when it may. */
function urlProblem(text: string, policy: EndpointPolicy): string | undefined {
  const problem = endpointProblem(text, policy);
  if (problem !== undefined) return problem;
  const { protocol, username, password } = new URL(text);
  if (protocol !== 'https:') return 'must begin with https://';
  return username !== '' || password !== '' ? 'must not contain a user name or password' : undefined;
}

/**
 * Downloads a file over https, with the installation's address rules, proxy and certificate authorities.
 * @param take reads the body to its end or throws
 * @throws ApiError VALIDATION_FAILED for an address that isn't allowed, PLUGIN_DOWNLOAD_FAILED
 */
export async function download(
  url: string,
  policy: EndpointPolicy,
  take: (body: Readable) => Promise<void>,
): Promise<void> {
  const problem = urlProblem(url, policy);
  if (problem !== undefined) throw fieldError('body.url', problem);
  const { https: agent } = guardedAgents(policy, { keepAlive: false });
  const limit = AbortSignal.timeout(LIMIT_MS);
  let host = new URL(url).host;
  try {
    let next = url;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
      const answer = await ask(next, agent, limit);
      const { statusCode: status = 0, headers } = answer;
      if (status === 200) return await take(answer);
      answer.destroy();
      if (status < 300 || status > 399 || headers.location === undefined)
        throw failed(host, `it responded with HTTP ${status}`);
      next = new URL(headers.location, next).href;
      const refused = urlProblem(next, policy);
      if (refused !== undefined) throw failed(host, `it redirects to an address that ${refused}`);
      host = new URL(next).host;
    }
    throw failed(host, `it redirects more than ${MAX_REDIRECTS} times`);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    if (limit.aborted) throw failed(host, `the download took longer than ${LIMIT_MS / 1000} s`);
    if (error instanceof AddressRefused) throw failed(host, `its address ${error.reason}`);
    const { code = '' } = error as NodeJS.ErrnoException;
    // what the disk refuses is not the other side's fault
    if (/^(?:ENOSPC|EDQUOT|EROFS|EACCES|EIO|EMFILE)$/.test(code)) throw error;
    throw failed(host, networkFailure(code) ?? (code || 'the connection failed'));
  } finally {
    agent.destroy();
  }
}

function ask(url: string, agent: https.Agent, signal: AbortSignal): Promise<http.IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const headers = { 'user-agent': `StreamHub/${VERSION}`, accept: '*/*', 'accept-encoding': 'identity' };
  const request = https.get(url, { agent, signal, headers, timeout: SILENCE_MS }, resolve);
  request.on('timeout', () => request.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })));
  request.on('error', reject);
  return promise;
}

const failed = (host: string, reason: string): ApiError => new ApiError('PLUGIN_DOWNLOAD_FAILED', { host, reason });
