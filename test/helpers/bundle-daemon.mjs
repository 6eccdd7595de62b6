// The daemon is 800 modules: half a second of a core in each of the hundreds of processes and threads of a test run. As the
// bundle that users run, made with the same settings, it is a tenth.
import { createHash } from 'node:crypto';
import { existsSync, globSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { build } from 'rolldown';
import { buildDaemon, OUTPUT, SETTINGS } from '../../build/build-daemon.mjs';
import { buildEdge } from '../../build/build-edge.mjs';
import { isBundled } from './bundles.mjs';

const root = path.resolve(import.meta.dirname, '../..');
// not below node_modules, where no package.json says that the files are modules
const PLACE = path.join(root, 'out', 'tests');

/** Bundles the sources as they are now, unless that was done before, and lets the processes of this run use the bundle. */
export async function bundleDaemon() {
  const place = path.join(PLACE, fingerprint());
  if (!existsSync(place)) {
    // what another run may use stays for a day
    for (const old of existsSync(PLACE) ? readdirSync(PLACE) : [])
      if (statSync(path.join(PLACE, old)).mtimeMs < Date.now() - 86_400_000)
        rmSync(path.join(PLACE, old), { recursive: true });
    const stage = `${place}.${process.pid}`;
    await buildDaemon(path.join(stage, 'daemon'));
    await buildEdge(path.join(stage, 'edge'));
    await buildModules(path.join(stage, 'daemon'));
    renameSync(stage, place);
  }
  process.env.TEST_BUNDLE = path.join(place, 'daemon');
}

/** Every module of the daemon for tests that import it: what starts with the daemon is one file, with which all others share it. */
async function buildModules(dir) {
  const settings = {
    ...SETTINGS,
    logLevel: 'silent',
    // one for the daemon and for the tests, which has its formats
    external: (id) => /^typebox(?:\/|$)/.test(id) || SETTINGS.external(id),
  };
  const { output } = await build({ ...settings, input: 'daemon/start/daemon.ts', write: false });
  const chunks = new Map(output.map((chunk) => [chunk.fileName, chunk]));
  const modules = new Set();
  const visited = new Set();
  const visit = (name) => {
    const chunk = chunks.get(name);
    if (chunk === undefined || visited.has(name)) return;
    visited.add(name);
    for (const id of chunk.moduleIds) modules.add(id);
    for (const next of chunk.imports) visit(next);
  };
  visit(output[0].fileName);
  const files = globSync('{daemon,shared}/**/*.ts', { cwd: root }).filter(isBundled);
  await build({
    ...settings,
    input: Object.fromEntries(files.map((file) => [`lib/${file.slice(0, -3)}`, file])),
    output: {
      ...OUTPUT,
      dir,
      entryFileNames: '[name].js',
      chunkFileNames: 'lib-[name]-[hash].js',
      codeSplitting: { groups: [{ name: 'all', test: (id) => modules.has(id) }] },
    },
  });
}

/** Changes with each file that the bundle is made from. */
function fingerprint() {
  const hash = createHash('sha256');
  const files = globSync(['{daemon,shared,plugins,build}/**/*.*', 'package-lock.json', 'test/helpers/bundle*.mjs'], {
    cwd: root,
  });
  for (const file of files.sort()) {
    const { mtimeMs, size } = statSync(path.join(root, file));
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}
