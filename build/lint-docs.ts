// Checks the English of the documents: sentence length and words that read like a translation.
// Usage: npm run lint:docs [-- FILE…]
import { loadLinterFormatter } from 'textlint';
import { docsLinter, documents } from './textlint/linter.ts';

const files = process.argv.length > 2 ? process.argv.slice(2) : documents();
const results = await (await docsLinter()).lintFiles(files);
const { format } = await loadLinterFormatter({ formatterName: 'stylish', color: process.stdout.isTTY === true });
const count = results.reduce((sum, { messages }) => sum + messages.length, 0);
if (count > 0) {
  console.error(format(results));
  process.exitCode = 1;
} else console.log(`${results.length} documents checked`);
