// Bundles the edge agent with all it needs into one file, which the daemon serves to machines that join.
import { cpSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

export async function buildEdge(out = path.join(root, 'out', 'edge')) {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  await build({
    cwd: root,
    input: { 'streamhub-edge': 'daemon/edge/main.ts' },
    platform: 'node',
    logLevel: 'warn',
    external: ['osx-temperature-sensor'],
    resolve: { alias: { '#shared': path.join(root, 'shared'), '#daemon': path.join(root, 'daemon') } },
    transform: { define: { 'process.env.STREAMHUB_EDGE_VERSION': JSON.stringify(version) } },
    output: { dir: out, format: 'esm', entryFileNames: '[name].mjs', codeSplitting: false, minify: true },
  });
  cpSync(path.join(root, 'build', 'install', 'install.sh'), path.join(out, 'install.sh'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildEdge(process.argv[2]);
