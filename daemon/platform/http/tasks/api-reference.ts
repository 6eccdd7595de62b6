import { gzipSync } from 'node:zlib';
import apiReference from '@scalar/fastify-api-reference';
import fastify from 'fastify';

/** The browser bundle of Scalar's API reference, compressed with gzip. The package hands it out only through its plugin. */
export default async function readApiReference(): Promise<Uint8Array> {
  const app = fastify();
  await app.register(apiReference, { routePrefix: '/docs', configuration: { url: '/openapi.json' } });
  const { rawPayload } = await app.inject('/docs/js/scalar.js');
  return gzipSync(rawPayload, { level: 9 });
}
