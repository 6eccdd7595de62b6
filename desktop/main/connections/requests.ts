import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Progress } from '#shared/client/download.ts';
import { DaemonError } from '#shared/client/errors.ts';
import { SESSION_PATHS } from '#shared/ipc/connections.ts';
import { type HttpAnswer, REQUEST_HEADERS } from '#shared/ipc/http.ts';
import type { Emit } from '#shared/ipc/index.ts';
import { failure } from '#shared/ipc/outcome.ts';
import type { Connections } from './connections.ts';

const ALLOWED_HEADERS: ReadonlySet<string> = new Set(REQUEST_HEADERS);
const CLOSED_PATHS: readonly string[] = SESSION_PATHS;
const PROGRESS_MS = 200;
/** How often a download is continued that brings no byte. */
const RETRIES = 3;

export interface PageRequest {
  connectionId: string;
  requestId?: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  headers?: Record<string, string>;
  body?: string | null;
  /** The body as base64. */
  file?: string;
  timeoutMs?: number;
}

/**
 * The path as it is sent. Only what is below /api/v1 after all dots and escapes are resolved, and none of the
 * routes whose answer is a credential.
 * @throws PATH_NOT_ALLOWED
 */
export function apiPath(path: string): string {
  const refuse = (reason: string) => failure('PATH_NOT_ALLOWED', { path: path.slice(0, 200), reason });
  let url: URL;
  try {
    url = new URL(path, 'http://daemon.invalid');
  } catch {
    throw refuse('it cannot be read');
  }
  if (url.host !== 'daemon.invalid' || url.username !== '' || !path.startsWith('/api/v1/') || path.includes('\\'))
    throw refuse('its path is not below /api/v1');
  if (!url.pathname.startsWith('/api/v1/')) throw refuse('its path leaves /api/v1');
  let decoded: string;
  try {
    decoded = decodeURIComponent(url.pathname);
  } catch {
    throw refuse('its escapes are invalid');
  }
  if (decoded.split('/').some((part) => part === '.' || part === '..')) throw refuse('its path leaves /api/v1');
  const bare = decoded.replace(/\/+/g, '/').replace(/\/$/, '').toLowerCase();
  if (CLOSED_PATHS.includes(bare)) throw refuse('its response contains a credential; sign in through the connection');
  return url.pathname + url.search;
}

/** The headers that a page may set. @throws HEADER_NOT_ALLOWED */
export function pageHeaders(headers: Record<string, string> = {}): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!ALLOWED_HEADERS.has(lower) || /[\r\n\0]/.test(value)) throw failure('HEADER_NOT_ALLOWED', { name });
    result[lower] = value;
  }
  return result;
}

/** Requests of the pages: each names a connection, the credential is added here. */
export class Requests {
  readonly #connections: Connections;
  readonly #emit: Emit;
  readonly #running = new Map<string, AbortController>();

  constructor(connections: Connections, emit: Emit) {
    this.#connections = connections;
    this.#emit = emit;
  }

  async send({
    connectionId,
    requestId,
    method,
    path,
    headers,
    body,
    file,
    timeoutMs,
  }: PageRequest): Promise<HttpAnswer> {
    const { connection } = this.#connections.get(connectionId);
    const sent = file === undefined ? (body ?? null) : Buffer.from(file, 'base64');
    const request = { method, path: apiPath(path), headers: pageHeaders(headers), body: sent };
    const stop = new AbortController();
    if (requestId !== undefined) this.#running.set(requestId, stop);
    try {
      return await connection.request({
        ...request,
        signal: stop.signal,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
    } finally {
      if (requestId !== undefined && this.#running.get(requestId) === stop) this.#running.delete(requestId);
    }
  }

  cancel(requestId: string): void {
    this.#running.get(requestId)?.abort();
  }

  /** Writes an answer to a file; a file of that name is replaced only by a whole one. */
  async download(connectionId: string, path: string, file: string): Promise<number> {
    const { connection } = this.#connections.get(connectionId);
    const temporary = `${file}.part`;
    let bytes = 0;
    let told = 0;
    const onProgress = ({ received }: Progress): void => {
      bytes = received;
      if (performance.now() - told <= PROGRESS_MS) return;
      told = performance.now();
      this.#emit('http:progress', { connectionId, path, bytes });
    };
    try {
      const download = await connection.client.file(apiPath(path), { onProgress, retries: RETRIES });
      await pipeline(download, createWriteStream(temporary));
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true });
      const { message } = error as Error;
      const answer = error instanceof DaemonError ? error.body : null;
      throw failure('DOWNLOAD_FAILED', { reason: message.replace(/\.$/, '') }, { cause: error, details: { answer } });
    }
    return bytes;
  }
}
