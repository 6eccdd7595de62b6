// `npm run package`: what is published, in dist/. The npm package has the daemon, the `streamhub` command and the plugin SDK. Node
// runs no TypeScript below node_modules, so the package holds the bundle, with the SDK's types beside it.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDaemon } from './build-daemon.mjs';
import { packDeb, stageDeb } from './build-deb.mjs';
import { buildEdge } from './build-edge.mjs';
import { completionScripts, manPage } from './cli-doc.ts';
import { stageClient } from './client/build.ts';

const root = path.resolve(import.meta.dirname, '..');
/** Subpaths of the SDK, and the modules below `shared/plugin-sdk/` that they are. */
const SDK = { 'plugin-sdk': 'index', 'plugin-sdk/s3': 's3/index', 'plugin-sdk/conformance': 'conformance/index' };

/** The tool that lists the components; fetched when packages are made. */
const CYCLONEDX = '6.0.1';
/** Beside the program and the documents. */
const PARTS = ['docs', 'build/monitoring', 'build/proxy', 'build/docker'];

/** The documents for users, and every file that they lead to. */
function documents() {
  const found = new Set();
  const next = ['README.md', 'CHANGELOG.md', 'SECURITY.md', ...globSync('docs/**/*.md', { cwd: root })];
  for (let file = next.pop(); file !== undefined; file = next.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    if (!file.endsWith('.md')) continue;
    const text = readFileSync(path.join(root, file), 'utf8').replace(/`[^`\n]*`/g, '');
    for (const [, link] of text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g))
      next.push(path.posix.normalize(path.posix.join(path.posix.dirname(file), link)));
  }
  return [...found];
}

/** Fills a folder with what the package holds. The web console and the documentation come along when they have been built. */
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
  for (const pages of ['console', 'site']) {
    const built = path.join(root, 'out', pages);
    if (existsSync(built)) cpSync(built, path.join(folder, 'out', pages), { recursive: true });
  }
  for (const part of [...documents(), ...PARTS])
    cpSync(path.join(root, part), path.join(folder, part), { recursive: true });
  writeCommandLine(folder);
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
}

/** The man page and the completion of each shell. */
function writeCommandLine(folder) {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  mkdirSync(path.join(folder, 'man'), { recursive: true });
  writeFileSync(path.join(folder, 'man', 'streamhub.1'), manPage(version));
  mkdirSync(path.join(folder, 'completion'), { recursive: true });
  for (const [shell, script] of Object.entries(completionScripts))
    writeFileSync(path.join(folder, 'completion', `streamhub.${shell}`), script);
}

function manifest() {
  const source = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const { name, version, description, license, type } = source;
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
    man: './man/streamhub.1',
    engines: { node: '>=24' },
    exports: { ...exports, './package.json': './package.json' },
    dependencies,
    // the keychain of `streamhub connect`; the other optional ones are for the desktop app
    optionalDependencies: { '@napi-rs/keyring': source.optionalDependencies['@napi-rs/keyring'] },
  };
}

/** Lists the components of the daemon with their versions and licences (CycloneDX), from the lockfile. */
function writeComponents(file) {
  const args = [
    '--omit',
    'dev',
    '--omit',
    'optional',
    '--package-lock-only',
    '--output-reproducible',
    '--output-file',
    file,
  ];
  npm(['exec', '--yes', `--package=@cyclonedx/cyclonedx-npm@${CYCLONEDX}`, '--', 'cyclonedx-npm', ...args], root);
}

/** For `sha256sum --check`. */
function writeChecksums(folder, files) {
  const lines = files.map((file) => {
    const sum = createHash('sha256').update(readFileSync(path.join(folder, file)));
    return `${sum.digest('hex')}  ${file}\n`;
  });
  writeFileSync(path.join(folder, 'SHA256SUMS'), lines.join(''));
}

function npm(args, cwd) {
  execFileSync('npm', args, { cwd, stdio: ['ignore', 'inherit', 'inherit'], shell: process.platform === 'win32' });
}

/**
 * Makes everything that is published, in one folder: the npm packages of the daemon and the client, the Debian package where this system can, the list of
 * components, and the checksums of all.
 * @returns names of the files
 */
export async function buildPackages(target) {
  const { name, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const stage = path.join(root, 'out', 'package');
  await stagePackage(stage);
  npm(['pack', '--silent', '--pack-destination', target, stage], root);
  const client = path.join(root, 'out', 'client');
  await stageClient(client);
  npm(['pack', '--silent', '--pack-destination', target, client], root);
  const files = [`${name}-${version}.tgz`, `${name}-client-${version}.tgz`];
  if (process.platform === 'linux' && spawnSync('dpkg-deb', ['--version']).status === 0) {
    const folder = stageDeb(stage, path.join(root, 'out', 'deb'));
    files.push(path.basename(packDeb(folder, target, version)));
  } else process.stderr.write('streamhub: there is no dpkg-deb here, so no Debian package is made\n');
  files.push(`${name}-${version}.cdx.json`);
  writeComponents(path.join(target, files.at(-1)));
  writeChecksums(target, files);
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = await buildPackages(path.join(root, 'dist'));
  process.stdout.write(`dist/ has ${[...files, 'SHA256SUMS'].join(', ')}\n`);
}
