import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { assetPath } from '../paths.ts';
import { VERSION } from '../version.ts';
import { type TaskKind, taskModule, type WorkerPool } from '../workers/pool.ts';
import { pagePolicy } from './page-policy.ts';

const BASE = '/api/v1';

/** Reads Scalar's browser bundle: 5 MB of text that the daemon's own heap should not hold. */
const API_REFERENCE: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/api-reference'),
  what: 'Preparing the API reference',
  timeoutMs: 30_000,
  concurrency: 1,
  queue: 16,
};

/** Stands for the servers in the text that is kept. */
const SERVER = 'https://server.invalid';

/** The configured address, and the one that the client used, which a trusted proxy tells. Without either it is relative. */
function serversOf({ protocol, host }: FastifyRequest, publicUrl: string | null): { url: string }[] {
  const origin = `${protocol}://${host}`;
  const used = URL.canParse(origin) && new URL(origin).origin === origin.toLowerCase() ? origin : undefined;
  const isSame = publicUrl !== null && used !== undefined && new URL(publicUrl).host === used.split('//')[1];
  const known = [publicUrl?.replace(/\/+$/, ''), isSame ? undefined : used].filter((url) => url !== undefined);
  return (known.length > 0 ? known : ['/']).map((url) => ({ url }));
}

/** `/openapi.json` and the API reference at `/docs`. Both are public, and nothing is loaded before the first request. */
export function installDocs(api: FastifyInstance, pool: WorkerPool, publicUrl: () => string | null): void {
  let document: Promise<string> | undefined;
  let script: Promise<Uint8Array> | undefined;
  // what only the document needs isn't loaded at the start: every payload, example and sample
  const write = async (): Promise<string> =>
    JSON.stringify((await import('./openapi.ts')).openApiDocument(VERSION, BASE, SERVER));
  api.get('/openapi.json', async (request, reply) => {
    document ??= write();
    const text = (await document).replace(JSON.stringify([{ url: SERVER }]), () =>
      JSON.stringify(serversOf(request, publicUrl())),
    );
    return reply.type('application/json; charset=utf-8').send(text);
  });
  api.get('/docs', async (_request, reply) => {
    const page = await readFile(assetPath('platform/http/assets/api-reference.html'));
    return reply.type('text/html; charset=utf-8').header('content-security-policy', pagePolicy()).send(page);
  });
  api.get('/docs/api-reference.js', async (request, reply) => {
    script ??= pool.run<null, Uint8Array>(API_REFERENCE, null);
    const gzipped = await script.catch((error: unknown) => {
      script = undefined;
      throw error;
    });
    reply.type('text/javascript; charset=utf-8').header('cache-control', 'public, max-age=3600');
    reply.header('vary', 'accept-encoding');
    if (/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? '')))
      return reply.header('content-encoding', 'gzip').send(gzipped);
    return reply.send(Readable.from([gzipped]).pipe(createGunzip()));
  });
}
