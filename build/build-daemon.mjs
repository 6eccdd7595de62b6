// Bundles the daemon into out/daemon: one file to load instead of hundreds, so that it answers within half a second
// of its start. Packages with native or lazily loaded parts stay outside.
import { cpSync, globSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { buildEdge } from './build-edge.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const out = path.join(root, 'out', 'daemon');

/** Bundled because they are needed at every start; everything else from node_modules is loaded as it is. */
const BUNDLED =
  /^(?:fastify|@fastify\/(?!static)|typebox|ajv|ajv-formats|fast-json-stringify|fast-uri|find-my-way|avvio|light-my-request|secure-json-parse|ipaddr\.js|rate-limiter-flexible|fastify-plugin|abstract-logging|process-warning|reusify|toad-cache|semver|rfdc|json-schema-ref-resolver|fast-deep-equal|json-schema-traverse|require-from-string|helmet|fast-decode-uri-component|fast-querystring|safe-regex2|ret|cookie|set-cookie-parser|dequal|jose)(?:\/|$)/;

export async function buildDaemon() {
  const tasks = globSync('daemon/workers/tasks/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'));
  rmSync(out, { recursive: true, force: true });
  await build({
    cwd: root,
    input: {
      cli: 'daemon/cli.ts',
      'store-thread': 'daemon/logs/store-thread.ts',
      ...Object.fromEntries(tasks.map((file) => [`tasks/${path.basename(file, '.ts')}`, file])),
    },
    platform: 'node',
    logLevel: 'warn',
    resolve: { alias: Object.fromEntries(['shared', 'daemon'].map((name) => [`#${name}`, path.join(root, name)])) },
    external: (id) => !id.startsWith('.') && !id.startsWith('#') && !path.isAbsolute(id) && !BUNDLED.test(id),
    output: { dir: out, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'chunk-[name]-[hash].js' },
  });
  cpSync(path.join(root, 'daemon', 'bin.mjs'), path.join(out, 'bin.mjs'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildDaemon();
  await buildEdge();
}
