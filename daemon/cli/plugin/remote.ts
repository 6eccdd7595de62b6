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
  const base = url ?? (await readRunFile(commandSettings(options).dataDir))?.url;
  if (base === undefined) throw new UsageError('no running daemon was found; name its address with --url');
  return new Client(async ({ method, path: place, headers, body }, signal) => {
    const answer = await fetch(base.replace(/\/$/, '') + place, {
      method,
      headers: { ...headers, authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: body as BodyInit }),
      redirect: 'error',
      signal,
    });
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
  });
}
