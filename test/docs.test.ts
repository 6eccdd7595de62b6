// own process: the program that it tests awaits while it loads
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { generatedDocs } from '#build/generated-docs.ts';
import { brokenLinks } from '#build/site/markdown.ts';
import { groups } from '#build/site/pages.ts';
import { documents } from '#build/textlint/linter.ts';
import { ANSWERS } from '#daemon/plugins/wire/answers.ts';
import { ERRORS } from '#shared/errors.ts';
import { EVENTS_KEPT, EVENTS_KEPT_DAYS, NODE_DOWN_SECONDS, NODE_STALE_SECONDS } from '#shared/limits.ts';
import { EgressTarget } from '#shared/plugin-sdk/egress-target.ts';
import { nodeTiming } from '#shared/rules/nodes.ts';
import { temporaryDir } from '#test/helpers/daemon.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

for (const [file, text] of Object.entries(generatedDocs())) {
  test(`${file} is what the code says (npm run docs)`, () => {
    assert.equal(readFileSync(path.join(ROOT, file), 'utf8'), text);
  });
}

test('links between the documents lead to a file and a heading that are there', () => {
  const files = documents().map((file) => path.relative(ROOT, file));
  assert.ok(files.length > 30, 'the documents were found');
  assert.deepEqual(
    brokenLinks(ROOT, files, (file) => existsSync(path.join(ROOT, file))),
    [],
  );
});

test('a link to a heading that is not there is found', async (t) => {
  const dir = await temporaryDir(t);
  const text =
    '# A page\n\n## Why `x` & y\n\n[up](#why-x--y) [no](#gone) [other](b.md#a) [none](c.md)\n\n```md\n[code](d.md)\n```\n';
  writeFileSync(path.join(dir, 'a.md'), text);
  writeFileSync(path.join(dir, 'b.md'), '# B\n');
  assert.deepEqual(
    brokenLinks(dir, ['a.md', 'b.md'], (file) => existsSync(path.join(dir, file))),
    ['a.md: #gone', 'a.md: b.md#a', 'a.md: c.md'],
  );
});

test('every document has its place in the sidebar of the site', () => {
  assert.deepEqual(
    groups()
      .flatMap(({ files }) => files)
      .sort(),
    documents()
      .map((file) => path.relative(ROOT, file))
      .sort(),
  );
});

test('times and limits in the documents are those of the code', () => {
  const { freshMs } = nodeTiming(NODE_STALE_SECONDS, NODE_DOWN_SECONDS);
  const fresh = freshMs / 1000;
  const events = EVENTS_KEPT.toLocaleString('en-US');
  for (const [file, ...phrases] of [
    [
      'failures.md',
      `stale after ${NODE_STALE_SECONDS} s, down after ${NODE_DOWN_SECONDS} s`,
      `no room is placed there after ${fresh} s`,
      `${events} events, ${EVENTS_KEPT_DAYS} days`,
    ],
    ['cluster.md', `nodes that reported within ${fresh} s`],
    ['console.md', `no heartbeat for ${NODE_STALE_SECONDS} s (a warning) or ${NODE_DOWN_SECONDS / 60} min`],
    ['api.md', `${events} events or ${EVENTS_KEPT_DAYS} days`],
    ['livekit.md', `${events} events, ${EVENTS_KEPT_DAYS} days`],
  ] as const) {
    const text = readFileSync(path.join(ROOT, 'docs', file), 'utf8');
    for (const phrase of phrases) assert.ok(text.includes(phrase), `docs/${file} says “${phrase}”`);
  }
});

test('no code of the error table is dead', () => {
  const source = globSync('{daemon,shared,plugins}/**/*.ts', {
    cwd: ROOT,
    exclude: ['shared/errors.ts', '**/*.test.ts'],
  })
    .map((file) => readFileSync(path.join(ROOT, file), 'utf8'))
    .join('\n');
  const table = readFileSync(path.join(ROOT, 'shared/errors.ts'), 'utf8');
  const uses = (code: string): boolean => source.includes(`'${code}'`) || table.split(`'${code}'`).length > 1;
  assert.deepEqual(
    Object.keys(ERRORS).filter((code) => !uses(code)),
    [],
  );
});

/** Names in the first column of each table of a document whose last column says something. */
const tablesOf = (text: string): Set<string>[] =>
  text
    .split(/\n(?!\|)/)
    .map(
      (block) =>
        new Set(
          [...block.matchAll(/^\| `([^`]+)` \|(?:.*\|)? [^|]*[^|\s][^|]* \|$/gm)].map(([, name]) => name as string),
        ),
    );

test('the plugin reference lists each field that the host checks or passes', () => {
  const text = readFileSync(path.join(ROOT, 'docs/plugin-reference.md'), 'utf8');
  const tables = tablesOf(text);
  const missing: string[] = [];
  /** Each object of a schema is one table. */
  const visit = (schema: any, place: string): void => {
    const { properties, anyOf, items } = schema;
    for (const [index, one] of (anyOf ?? []).entries()) visit(one, `${place}[${index}]`);
    if (items !== undefined) visit(items, `${place}[]`);
    const names = Object.keys(properties ?? {});
    if (names.length > 0 && !tables.some((table) => names.every((name) => table.has(name))))
      missing.push(`${place}: ${names.join(', ')}`);
    for (const name of names)
      if (properties[name].properties?.type === undefined) visit(properties[name], `${place}.${name}`);
  };
  // what only the protocol between the host and a plugin's process has
  const { describe, validate, open: _open, list: _list, return: _return, next, ...calls } = ANSWERS;
  visit(describe.anyOf[0].properties.providers, 'describe');
  visit(validate.properties.findings, 'validate');
  visit(EgressTarget, 'EgressTarget');
  for (const [name, schema] of Object.entries({ ...calls, next })) visit(schema, name);
  for (const name of ['validate', 'open', 'list', ...Object.keys(calls)])
    if (!tables.some((table) => table.has('put') && table.has(name))) missing.push(name);
  // the names of LiveKit's kinds of storage
  for (const { properties } of EgressTarget.anyOf) assert.ok(text.includes(`\`kind: '${properties.kind.const}'\``));
  const sdk = readFileSync(path.join(ROOT, 'shared/plugin-sdk/storage-provider.ts'), 'utf8');
  for (const [, name, body = ''] of sdk.matchAll(/^export interface (\w+)[^\n]*\{\n([\s\S]*?)^\}/gm)) {
    const current = body.replace(/ {2}\/\*\* @deprecated.*\n.*\n/g, '');
    const names = [...current.matchAll(/^ {2}(\w+)\??[:(]/gm)].map(([, member]) => member as string);
    assert.ok(names.length > 0, name);
    if (!tables.some((table) => names.every((member) => table.has(member))))
      missing.push(`${name}: ${names.join(', ')}`);
  }
  assert.deepEqual(missing, []);
});
