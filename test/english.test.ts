import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { flaggedInComments } from '#build/textlint/comments.ts';
import { flaggedWords } from '#build/textlint/flagged-words.ts';
import { docsLinter, documents } from '#build/textlint/linter.ts';
import { MAX_WORDS, sentencesOf } from '#build/textlint/sentences.ts';
import { flaggedInStrings } from '#build/textlint/strings.ts';
import { operations } from '#shared/contract/index.ts';
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

test('messages, log lines and descriptions use no flagged words', () => {
  const source =
    "say('made anew for you'); // 'not in comments, whoever reads it'\nconst key = 'at-once';\nlog(`it goes on`)";
  assert.deepEqual(
    flaggedInStrings(source).map(({ line, word }) => `${line} ${word}`),
    ['1 anew', '3 goes'],
  );
  const found = globSync('{shared,daemon,plugins,desktop/{main,preload}}/**/*.ts', { cwd: ROOT })
    .filter((file) => !file.includes('node_modules') && !file.includes('.test.'))
    .flatMap((file) =>
      flaggedInStrings(readFileSync(path.join(ROOT, file), 'utf8')).map(
        ({ line, word, instead }) => `${file}:${line} “${word}”, instead: ${instead}`,
      ),
    );
  assert.deepEqual(found, []);
});

test('the API reference is in short sentences, and each summary begins with a verb', () => {
  const texts: { at: string; text: string }[] = [];
  const collect = (at: string, value: unknown, seen: Set<unknown>): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    for (const [key, inner] of Object.entries(value))
      if (key === 'description' && typeof inner === 'string') texts.push({ at, text: inner });
      else collect(`${at}.${key}`, inner, seen);
  };
  assert.ok(operations.length > 100);
  for (const operation of operations) collect(`${operation.method} ${operation.path}`, operation, new Set());
  const long = texts.flatMap(({ at, text }) =>
    sentencesOf(text)
      .filter(({ words }) => words > MAX_WORDS)
      .map(({ words }) => `${at}: ${words} words`),
  );
  assert.deepEqual([...new Set(long)], []);
  const notVerbs = operations
    .filter(({ summary }) =>
      /^(?:The|A|An|What|Which|Who|How|Whether|Would|Is|Your|Their|State|Text|Ways)\b/.test(summary),
    )
    .map(({ method, path: at, summary }) => `${method} ${at}: ${summary}`);
  assert.deepEqual(notVerbs, []);
});
