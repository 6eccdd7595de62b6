import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { flaggedInComments } from '#build/textlint/comments.ts';
import { flaggedWords } from '#build/textlint/flagged-words.ts';
import { docsLinter, documents } from '#build/textlint/linter.ts';
import { MAX_WORDS, sentencesOf } from '#build/textlint/sentences.ts';
import { ERRORS, type ErrorDefinition } from '#shared/errors.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

test('the documents pass the lint', async () => {
  const results = await (await docsLinter()).lintFiles(documents());
  assert.ok(results.length > 30);
  assert.deepEqual(
    results.flatMap(({ filePath, messages }) =>
      messages.map(({ line, message }) => `${path.relative(ROOT, filePath)}:${line} ${message}`),
    ),
    [],
  );
});

test('the lint finds flagged words and long sentences, and leaves code and tables alone', async () => {
  const long = Array(MAX_WORDS + 1)
    .fill('word')
    .join(' ');
  const text = `# Made anew\n\nShort. ${long}.\nDone at\nonce.\n\n| ${long} |\n| --- |\n| whoever |\n\n\`anew\` is code.\n\n\`\`\`sh\nanew\n\`\`\`\n`;
  const { messages } = await (await docsLinter()).lintText(text, 'sample.md');
  assert.deepEqual(
    messages.map(({ line, ruleId }) => `${line} ${ruleId}`),
    ['1 flagged-words', '3 sentence-words', '4 flagged-words', '9 flagged-words'],
  );
});

test('a sentence ends at its full stop, not at an abbreviation, a version or a file name', () => {
  const counts = sentencesOf('Use v1.13.5, e.g. from a.yaml. Then stop! Why? (Because.) It ends').map((s) => s.words);
  assert.deepEqual(counts, [5, 2, 1, 1, 2]);
});

test('error messages and hints are short and plain', () => {
  const texts = Object.entries<ErrorDefinition>(ERRORS).flatMap(([code, { message, hint = '' }]) => [
    { code, text: message },
    { code, text: hint },
  ]);
  const wrong = texts.flatMap(({ code, text }) => [
    ...flaggedWords(text).map(({ word, instead }) => `${code}: “${word}”, instead: ${instead}`),
    ...sentencesOf(text)
      .filter(({ words }) => words > MAX_WORDS)
      .map(({ words }) => `${code}: ${words} words`),
  ]);
  assert.deepEqual(wrong, []);
});

test('comments use no flagged words', () => {
  assert.equal(flaggedInComments("const a = 'http://b'; // made anew\n/* a file of\n * its own, `anew` */").length, 2);
  const found = globSync('{shared,daemon,desktop,plugins,build,test}/**/*.{ts,tsx,mjs}', { cwd: ROOT })
    .filter(
      (file) =>
        !file.includes('node_modules') && !file.startsWith('build/textlint/') && file !== 'test/english.test.ts',
    )
    .flatMap((file) =>
      flaggedInComments(readFileSync(path.join(ROOT, file), 'utf8')).map(
        ({ line, word, instead }) => `${file}:${line} “${word}”, instead: ${instead}`,
      ),
    );
  assert.deepEqual(found, []);
});
