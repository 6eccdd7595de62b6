import type { HttpOptions } from '#shared/client/http.ts';
import { type RunFile, readRunFile } from '#shared/files/run-file.ts';
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
  const chosen = await choose(options);
  const caFile = options.caFile ?? (process.env['STREAMHUB_CA_FILE'] || undefined);
  if ('run' in chosen) return localTarget(chosen.run);
  return 'url' in chosen ? remote(chosen.url, caFile) : contextTarget(chosen.context, caFile);
}

/** By its address, by the file that a running daemon writes, or by a context; undefined is the current one. */
type Choice = { url: string } | { run: RunFile } | { context: string | undefined };

async function choose({ context, url, ...local }: ConnectionOptions): Promise<Choice> {
  const { STREAMHUB_URL, STREAMHUB_CONTEXT, STREAMHUB_TOKEN } = process.env;
  if (context !== undefined) return { context };
  if (url !== undefined) return { url };
  if (local.dataDir !== undefined || local.envFile !== undefined) {
    const run = await localRun(local);
    if (run !== undefined) return { run };
    throw new UsageError('No running daemon was found there. Name its address with --url.');
  }
  if (STREAMHUB_URL) return { url: STREAMHUB_URL };
  if (STREAMHUB_CONTEXT) return { context: STREAMHUB_CONTEXT };
  const run = STREAMHUB_TOKEN ? await localRun(local) : undefined;
  return run === undefined ? { context: undefined } : { run };
}

/** Whether options or environment name a daemon by its address or context, so that the one of this machine isn't meant. */
export function namesDaemon({ url, context, dataDir, envFile }: ConnectionOptions): boolean {
  const { STREAMHUB_URL, STREAMHUB_CONTEXT } = process.env;
  if (url !== undefined || context !== undefined) return true;
  return dataDir === undefined && envFile === undefined && Boolean(STREAMHUB_URL || STREAMHUB_CONTEXT);
}

/** The address of that daemon alone: no credential is needed for it. @throws UsageError */
export async function addressOf(options: ConnectionOptions): Promise<string> {
  const chosen = await choose(options);
  if ('run' in chosen) return chosen.run.url;
  if ('url' in chosen) return (await import('#shared/connection/address.ts')).baseUrl(chosen.url);
  return (await (await import('./contexts.ts')).readContext(chosen.context)).url;
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
  const token = process.env['STREAMHUB_TOKEN']?.trim();
  if (token) return token;
  throw new UsageError('Set STREAMHUB_TOKEN to an API token, or sign in with: streamhub connect URL');
}

async function localRun(options: ConnectionOptions): Promise<RunFile | undefined> {
  const { commandSettings } = await import('../settings.ts');
  return readRunFile(commandSettings(options).dataDir);
}

async function localTarget(run: RunFile): Promise<Target> {
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
