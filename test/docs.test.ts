import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { generatedDocs } from '#build/generated-docs.ts';
import { documents } from '#build/textlint/linter.ts';
import { ERRORS } from '#shared/errors.ts';
import { EVENTS_KEPT, EVENTS_KEPT_DAYS, NODE_DOWN_SECONDS, NODE_STALE_SECONDS } from '#shared/limits.ts';
import { nodeTiming } from '#shared/rules/nodes.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

for (const [file, text] of Object.entries(generatedDocs())) {
  test(`docs/${file} is what the code says (npm run docs)`, () => {
    assert.equal(readFileSync(path.join(ROOT, 'docs', file), 'utf8'), text);
  });
}

test('links between the documents lead somewhere', () => {
  const files = documents().map((file) => path.relative(ROOT, file));
  assert.ok(files.length > 30, 'the documents were found');
  const broken = files.flatMap((file) =>
    [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)]
      .map((match) => match[1] as string)
      .filter(
        (link) =>
          globSync(path.posix.normalize(path.posix.join(path.posix.dirname(file), link)), { cwd: ROOT }).length === 0,
      )
      .map((link) => `${file}: ${link}`),
  );
  assert.deepEqual(broken, []);
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
