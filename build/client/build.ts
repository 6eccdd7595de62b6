// Builds the package `@streamhub/client` from shared/client: one module, types from the OpenAPI document, no dependencies.
// Usage: node build/client/build.ts [FOLDER]; by default out/client.
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'rolldown';
import { operations } from '#shared/client/operations.ts';
import { writeTypes } from './types.ts';

const root = path.resolve(import.meta.dirname, '../..');
const ENTRY = 'client/index.ts';
/** The newest syntax and functions in it are `Promise.withResolvers` and `AbortSignal.any`. */
const NODE = '>=22';

/** Fills a folder with what the package holds. */
export async function stageClient(folder: string): Promise<void> {
  const { version, license } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  mkdirSync(path.join(root, 'out'), { recursive: true });
  // below the repository, where its packages are found
  const sources = mkdtempSync(path.join(root, 'out', 'client-'));
  copySources(sources, {
    'client/operations.ts': `import type { PlainOperation } from './wire.ts';
export type { Operations } from './models.ts';
export const operations: Readonly<Record<string, PlainOperation>> = ${JSON.stringify(operations, null, 1)};
`,
    'client/models.ts': await writeTypes(version),
  });
  writeDeclarations(sources, path.join(folder, 'types'));
  await build({
    cwd: sources,
    input: path.join(sources, ENTRY),
    platform: 'neutral',
    logLevel: 'warn',
    output: { file: path.join(folder, 'index.js'), format: 'esm', comments: true },
  });
  rmSync(sources, { recursive: true });
  cpSync(path.join(import.meta.dirname, 'README.md'), path.join(folder, 'README.md'));
  writeFileSync(path.join(folder, 'LICENSE'), licences(license));
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest(version, license), null, 2)}\n`);
}

const manifest = (version: string, license: string) => ({
  name: '@streamhub/client',
  version,
  description: 'The API of StreamHub for browsers and Node.js, with types.',
  license,
  type: 'module',
  sideEffects: false,
  engines: { node: NODE },
  exports: {
    '.': { types: './types/client/index.d.ts', default: './index.js' },
    './package.json': './package.json',
  },
});

/** Copies the entry and what it imports. @param replaced modules that get another text */
function copySources(target: string, replaced: Record<string, string>): void {
  const done = new Set<string>();
  const next = [ENTRY];
  for (let file = next.pop(); file !== undefined; file = next.pop()) {
    if (done.has(file)) continue;
    done.add(file);
    const text = replaced[file] ?? readFileSync(path.join(root, 'shared', file), 'utf8');
    for (const [, found] of text.matchAll(/from '(\.[^']+)'/g))
      next.push(path.posix.join(path.posix.dirname(file), found as string));
    mkdirSync(path.dirname(path.join(target, file)), { recursive: true });
    writeFileSync(path.join(target, file), text);
  }
}

/** Checks the sources with the types of the document, and writes the declarations. */
function writeDeclarations(sources: string, types: string): void {
  const config = path.join(sources, 'tsconfig.json');
  const compilerOptions = {
    lib: ['es2024', 'dom', 'dom.iterable'],
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rewriteRelativeImportExtensions: true,
    rootDir: '.',
    outDir: types,
  };
  const settings = { extends: path.join(root, 'tsconfig.base.json'), compilerOptions, files: [ENTRY] };
  writeFileSync(config, JSON.stringify(settings));
  writeFileSync(path.join(sources, 'package.json'), '{"type":"module"}');
  execFileSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', config], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  // the compiler leaves the extensions of declarations as they are
  for (const file of globSync(`${types}/**/*.d.ts`)) {
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll(/(from '\.[^']+)\.ts'/g, "$1.js'"));
  }
}

/** Its own licence, and the one of what is built in. */
function licences(license: string): string {
  const parser = readFileSync(path.join(root, 'node_modules/eventsource-parser/LICENSE'), 'utf8');
  return `@streamhub/client: ${license}\n\nIt contains eventsource-parser, under this licence:\n\n${parser}`;
}

if (import.meta.main) await stageClient(path.resolve(process.argv[2] ?? path.join(root, 'out', 'client')));
