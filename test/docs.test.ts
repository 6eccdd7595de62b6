import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { generatedDocs } from '#build/generated-docs.ts';
import { documents } from '#build/textlint/linter.ts';
import { ERRORS } from '#shared/errors.ts';

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
