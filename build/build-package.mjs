// `npm run package`: the npm package of the daemon, the `streamhub` command and the plugin SDK, in dist/. Node runs no
// TypeScript below node_modules, so the package holds the bundle, with the SDK's types beside it.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDaemon } from './build-daemon.mjs';
import { buildEdge } from './build-edge.mjs';

const root = path.resolve(import.meta.dirname, '..');
/** Subpaths of the SDK, and the modules below `shared/plugin-sdk/` that they are. */
const SDK = { 'plugin-sdk': 'index', 'plugin-sdk/s3': 's3/index', 'plugin-sdk/conformance': 'conformance/index' };

/** Fills a folder with what the package holds. The web console comes along when it has been built. */
export async function stagePackage(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await buildDaemon(path.join(folder, 'out', 'daemon'));
  await buildEdge(path.join(folder, 'out', 'edge'));
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const types = path.join(folder, 'out', 'types');
  execFileSync(process.execPath, [tsc, '-p', path.join(root, 'build', 'tsconfig.sdk.json'), '--outDir', types], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const webConsole = path.join(root, 'out', 'console');
  if (existsSync(webConsole)) cpSync(webConsole, path.join(folder, 'out', 'console'), { recursive: true });
  for (const part of ['README.md', 'docs', 'build/monitoring'])
    cpSync(path.join(root, part), path.join(folder, part), { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
}

function manifest() {
  const source = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const { name, version, description, license, type, optionalDependencies } = source;
  // anyone who installs the package brings a Node
  const { node: _node, ...dependencies } = source.dependencies;
  const exports = Object.fromEntries(
    Object.entries(SDK).map(([subpath, module]) => [
      `./${subpath}`,
      {
        types: `./out/types/plugin-sdk/${module}.d.ts`,
        default: `./out/daemon/plugin-sdk/${module.split('/').at(-2) ?? module}.js`,
      },
    ]),
  );
  return {
    name,
    version,
    description,
    license,
    type,
    bin: { streamhub: 'out/daemon/bin.mjs' },
    engines: { node: '>=24' },
    exports: { ...exports, './package.json': './package.json' },
    dependencies,
    optionalDependencies,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stage = path.join(root, 'out', 'package');
  const target = path.join(root, 'dist');
  await stagePackage(stage);
  mkdirSync(target, { recursive: true });
  execFileSync('npm', ['pack', '--pack-destination', target], {
    cwd: stage,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
}
