// Bundles the daemon into out/daemon: one file to load instead of hundreds, so that it answers within half a second
// of its start. Packages with native or lazily loaded parts stay outside.
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { buildEdge } from './build-edge.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Bundled because they are needed at every start, of the daemon or of a command; everything else from node_modules is loaded as it is. */
const BUNDLED =
  /^(?:fastify|@fastify\/[^/]+|fastq|typebox|ajv|ajv-formats|fast-json-stringify|fast-uri|find-my-way|avvio|light-my-request|secure-json-parse|ipaddr\.js|rate-limiter-flexible|fastify-plugin|abstract-logging|process-warning|reusify|toad-cache|semver|rfdc|json-schema-ref-resolver|fast-deep-equal|json-schema-traverse|require-from-string|helmet|fast-decode-uri-component|fast-querystring|safe-regex2|ret|commander|cookie|set-cookie-parser|dequal|jose|croner|diff|lru-cache|async-mutex|tslib|p-limit|yocto-queue|fastest-levenshtein|fast-string-truncated-width|pino|pino-std-serializers|thread-stream|sonic-boom|safe-stable-stringify|quick-format-unescaped|on-exit-leak-free|atomic-sleep|yaml|@pinojs\/redact|real-require)(?:\/|$)/;

/**
 * Parts of Node that few processes and threads need, loaded at first use. An `import` of `node:http` reads each of its exports, and
 * `WebSocket` among them loads Node's `fetch`: 25 ms and 14 MB. Fastify requires `node:http2`, 2 MB, whether it serves HTTP/2 or not.
 */
const LAZY_NODE = {
  name: 'lazy-node',
  resolveId: (id, _importer, { kind }) => {
    if (id === 'node:http2') return '\0http2';
    return id === 'node:http' && kind !== 'require-call' ? '\0http' : undefined;
  },
  load: (id) => LAZY_MODULES[id],
};
const LOADS_FETCH = new Set(['CloseEvent', 'MessageEvent', 'WebSocket']);
const LAZY_MODULES = {
  '\0http': `const http = process.getBuiltinModule('node:http');
    export default http;
    export const { ${Object.keys(http).filter((name) => !LOADS_FETCH.has(name))} } = http;`,
  '\0http2': ['createServer', 'createSecureServer']
    .map((name) => `export const ${name} = (...args) => process.getBuiltinModule('node:http2').${name}(...args);`)
    .join('\n'),
};

/** What every bundle of the daemon's code has in common. */
export const SETTINGS = {
  cwd: root,
  platform: 'node',
  logLevel: 'warn',
  resolve: {
    alias: {
      ...Object.fromEntries(['shared', 'daemon'].map((name) => [`#${name}`, path.join(root, name)])),
      'streamhub/plugin-sdk/s3': path.join(root, 'shared/plugin-sdk/s3/index.ts'),
      'streamhub/plugin-sdk': path.join(root, 'shared/plugin-sdk/index.ts'),
    },
  },
  plugins: [LAZY_NODE],
  external: (id) =>
    id !== 'node:http' &&
    id !== 'node:http2' &&
    !id.startsWith('.') &&
    !id.startsWith('streamhub/') &&
    !id.startsWith('#') &&
    !path.isAbsolute(id) &&
    !BUNDLED.test(id),
};

/** How every bundle is written. */
export const OUTPUT = {
  format: 'esm',
  // Lines and names stay, for stack traces. One character that isn't ASCII would double the memory of its whole file.
  comments: false,
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: false, asciiOnly: true } },
};

export async function buildDaemon(out = path.join(root, 'out', 'daemon')) {
  const tasks = [...globSync('daemon/**/tasks/*.ts', { cwd: root }), 'daemon/platform/workers/idle.ts'].filter(
    (file) => !file.endsWith('.test.ts'),
  );
  const plugins = readPlugins();
  rmSync(out, { recursive: true, force: true });
  await build({
    ...SETTINGS,
    input: {
      cli: 'daemon/cli/main.ts',
      'store-thread': 'daemon/platform/logs/store-thread.ts',
      'plugin-process': 'daemon/plugins/process-main/main.ts',
      ...Object.fromEntries(tasks.map((file) => [`tasks/${path.basename(file, '.ts')}`, file])),
      'plugin-sdk/index': 'shared/plugin-sdk/index.ts',
      'plugin-sdk/s3': 'shared/plugin-sdk/s3/index.ts',
      'plugin-sdk/conformance': 'shared/plugin-sdk/conformance/index.ts',
      ...Object.fromEntries(plugins.flatMap(({ entry, built }) => (entry ? [[built, entry]] : []))),
    },
    output: { ...OUTPUT, dir: out, entryFileNames: '[name].js', chunkFileNames: 'chunk-[name]-[hash].js' },
  });
  for (const { folder, manifest, built } of plugins) {
    const target = path.join(out, 'plugins', folder);
    cpSync(path.join(root, 'plugins', folder), target, { recursive: true, filter: (file) => !file.endsWith('.ts') });
    const entry = manifest.entry ? { entry: `${path.basename(built)}.js` } : {};
    writeFileSync(path.join(target, 'plugin.json'), JSON.stringify({ ...manifest, ...entry }, null, 2));
  }
  // pages and templates, where `assetPath()` finds them
  for (const folder of globSync('daemon/**/assets', { cwd: root })) {
    cpSync(path.join(root, folder), path.join(out, 'assets', path.relative('daemon', folder)), { recursive: true });
  }
  cpSync(path.join(root, 'daemon', 'bin.mjs'), path.join(out, 'bin.mjs'));
}

/** The built-in plugins: their code is compiled with the daemon, so that both share the SDK, the rest is copied. */
function readPlugins() {
  return globSync('plugins/*/plugin.json', { cwd: root }).map((file) => {
    const folder = path.basename(path.dirname(file));
    const manifest = JSON.parse(readFileSync(path.join(root, file), 'utf8'));
    const name = manifest.entry?.replace(/\.ts$/, '') ?? 'index';
    return {
      folder,
      manifest,
      entry: manifest.entry && `plugins/${folder}/${manifest.entry}`,
      built: `plugins/${folder}/${name}`,
    };
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildDaemon();
  await buildEdge();
}
