import type { TLSSocket } from 'node:tls';
import { Client } from '#shared/client/client.ts';
import { readRunFile } from '#shared/files/run-file.ts';
import { commandSettings } from '../settings.ts';
import { UsageError } from './usage-error.ts';

/** Where a command finds the running daemon. */
export interface RemoteOptions {
  url?: string;
  dataDir?: string;
  envFile?: string;
}

/**
 * A client of the running daemon, with the API token of STREAMHUB_TOKEN.
 * @throws UsageError without a token, or if no daemon is found
 */
export async function runningDaemon({ url, ...options }: RemoteOptions): Promise<Client> {
  const token = process.env['STREAMHUB_TOKEN'];
  if (!token) throw new UsageError('set STREAMHUB_TOKEN to an API token with global scope');
  const run = url === undefined ? await readRunFile(commandSettings(options).dataDir) : undefined;
  const base = url ?? run?.url;
  const send = run?.fingerprint === undefined ? fetch : await fetchFrom(run.fingerprint);
  if (base === undefined) throw new UsageError('no running daemon was found; name its address with --url');
  return new Client(async ({ method, path: place, headers, body }, signal) => {
    const answer = await send(base.replace(/\/$/, '') + place, {
      method,
      headers: { ...headers, authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: body as BodyInit }),
      redirect: 'error',
      signal,
    });
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
  });
}

/** `fetch` from the daemon of this machine: its certificate is for its public name, so it is known by its fingerprint. */
async function fetchFrom(fingerprint: string): Promise<typeof fetch> {
  const { Agent, buildConnector, fetch: send } = await import('undici');
  const connect = buildConnector({ rejectUnauthorized: false, maxCachedSessions: 0 });
  const dispatcher = new Agent({
    connect: (options, callback) =>
      connect(options, (...[error, socket]) => {
        if (error !== null) return callback(error, null);
        if ((socket as TLSSocket).getPeerCertificate().fingerprint256 === fingerprint) return callback(null, socket);
        socket.destroy();
        callback(new Error('the daemon’s certificate is not the one in data/daemon.json'), null);
      }),
  });
  // undici's types of requests are other ones than Node's
  return ((url: string, init: object) => send(url, { ...init, dispatcher })) as unknown as typeof fetch;
}
