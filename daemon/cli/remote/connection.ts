import type { HttpOptions } from '#shared/client/http.ts';
import { readRunFile } from '#shared/files/run-file.ts';
import { UsageError } from '../exit-codes.ts';
import { readNamed } from '../named-file.ts';
import type { Trust } from './light-fetch.ts';

/** How you choose the daemon of a command. */
export interface ConnectionOptions {
  /** A stored context. */
  context?: string;
  /** Address of the daemon; the token is STREAMHUB_TOKEN. */
  url?: string;
  /** PEM file with authorities to trust beside those of the system. */
  caFile?: string;
  /** The daemon that runs on this DATA_DIR. */
  dataDir?: string;
  envFile?: string;
}

/** A daemon, and what is needed to speak to it. */
export interface Target {
  /** Address without a slash at the end. */
  url: string;
  token: string;
  fetch: typeof fetch;
}

/** How a client reaches a target. An answer that leads elsewhere is refused, because the credential must not follow. */
export const httpOptionsOf = ({ url, token, fetch: send }: Target): HttpOptions => ({
  url,
  token,
  fetch: (at, init) => send(at, { ...init, redirect: 'error' }),
});

/**
 * Finds the daemon: `--context`, `--url`, `--data-dir`, STREAMHUB_URL, STREAMHUB_CONTEXT, the daemon of this machine if
 * STREAMHUB_TOKEN is set, the current context. STREAMHUB_TOKEN is never sent to the address of a context.
 */
export async function targetOf(options: ConnectionOptions): Promise<Target> {
  const { STREAMHUB_URL, STREAMHUB_CONTEXT, STREAMHUB_TOKEN, STREAMHUB_CA_FILE } = process.env;
  const caFile = options.caFile ?? (STREAMHUB_CA_FILE || undefined);
  if (options.context !== undefined) return contextTarget(options.context, caFile);
  if (options.url !== undefined) return remote(options.url, caFile);
  if (options.dataDir !== undefined || options.envFile !== undefined) {
    const found = await localTarget(options);
    if (found !== undefined) return found;
    throw new UsageError('No running daemon was found there. Name its address with --url.');
  }
  if (STREAMHUB_URL) return remote(STREAMHUB_URL, caFile);
  if (STREAMHUB_CONTEXT) return contextTarget(STREAMHUB_CONTEXT, caFile);
  const local = STREAMHUB_TOKEN ? await localTarget(options) : undefined;
  return local ?? contextTarget(undefined, caFile);
}

/** Whether options or environment name a daemon by its address or context, so that the one of this machine isn't meant. */
export function namesDaemon({ url, context, dataDir, envFile }: ConnectionOptions): boolean {
  const { STREAMHUB_URL, STREAMHUB_CONTEXT } = process.env;
  if (url !== undefined || context !== undefined) return true;
  return dataDir === undefined && envFile === undefined && Boolean(STREAMHUB_URL || STREAMHUB_CONTEXT);
}

/** The address of that daemon alone: no credential is needed for it. @throws UsageError */
export async function addressOf(options: ConnectionOptions): Promise<string> {
  const { STREAMHUB_URL, STREAMHUB_CONTEXT } = process.env;
  const url = options.url ?? (options.context === undefined ? STREAMHUB_URL || undefined : undefined);
  if (url !== undefined) return (await import('#shared/connection/address.ts')).baseUrl(url);
  const { readContext } = await import('./contexts.ts');
  return (await readContext(options.context ?? (STREAMHUB_CONTEXT || undefined))).url;
}

async function remote(url: string, caFile: string | undefined): Promise<Target> {
  const { baseUrl } = await import('#shared/connection/address.ts');
  const base = baseUrl(url);
  return {
    url: base,
    token: ownToken(),
    fetch: await fetchWith({ ca: caFile === undefined ? undefined : await readCa(caFile) }),
  };
}

function ownToken(): string {
  const token = process.env['STREAMHUB_TOKEN'];
  if (token) return token;
  throw new UsageError('Set STREAMHUB_TOKEN to an API token, or sign in with: streamhub connect URL');
}

async function localTarget(options: ConnectionOptions): Promise<Target | undefined> {
  const { commandSettings } = await import('../settings.ts');
  const run = await readRunFile(commandSettings(options).dataDir);
  if (run === undefined) return undefined;
  return {
    url: run.url,
    token: ownToken(),
    // the certificate is for the daemon's public name
    fetch: await fetchWith({ fingerprint: run.fingerprint }),
  };
}

async function contextTarget(name: string | undefined, caFile: string | undefined): Promise<Target> {
  const { readContext, credentialOf } = await import('./contexts.ts');
  const context = await readContext(name);
  const token = await credentialOf(context);
  return {
    url: context.url,
    token,
    fetch: await fetchWith({ ca: caFile === undefined ? context.ca : await readCa(caFile) }),
  };
}

/** Authorities from a PEM file. @throws UsageError */
export async function readCa(file: string): Promise<string> {
  const text = String(await readNamed(file));
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new UsageError(`${file} contains no certificate in PEM format.`);
  return text;
}

/** `fetch` that trusts the authorities of the system and these, or knows the daemon by its certificate. */
export async function fetchWith(trust: Trust): Promise<typeof fetch> {
  const { lightFetch } = await import('./light-fetch.ts');
  try {
    return lightFetch(trust);
  } catch (error) {
    throw new UsageError(`The CA file can’t be used: ${(error as Error).message}`);
  }
}
