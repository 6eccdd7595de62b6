import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from '#shared/client/client.ts';
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
  const base = url ?? (await urlOf(commandSettings(options).dataDir));
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

async function urlOf(dataDir: string): Promise<string | undefined> {
  const run = await readFile(path.join(dataDir, 'data', 'daemon.json'), 'utf8').catch(() => undefined);
  return run === undefined ? undefined : (JSON.parse(run) as { url?: string }).url;
}
