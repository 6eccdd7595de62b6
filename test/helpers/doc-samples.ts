// The commands and programs that the documents show, and which test runs them.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Block, blocksOf } from '#build/site/markdown.ts';
import { documents } from '#build/textlint/linter.ts';
import { ROOT } from './daemon.ts';

/** Below the repository's root. */
export const documentFiles = documents().map((file) => path.relative(ROOT, file).split(path.sep).join('/'));

export const documentPages = documentFiles.map((file) => ({
  file,
  blocks: blocksOf(readFileSync(path.join(ROOT, file), 'utf8')),
}));

/** Languages of programs. */
export const PROGRAMS: ReadonlySet<string> = new Set(['js', 'ts', 'html', 'python']);

/** Is a block for a web page? A program that imports from Node.js or a package is not. */
const isForBrowser = ({ language, text }: Block): boolean =>
  language === 'html' || (language === 'js' && !/ from '(?!https:)/.test(text));

/** Documents whose commands another test runs, with what follows from them. */
const DOCUMENTS: Record<string, string> = {
  'docs/api.md': 'test/api-guide.test.ts',
  'docs/plugins.md': 'test/plugins/guide.test.ts',
};

/** The test that runs a block, where it isn't test/docs-commands.test.ts: it has the surroundings that the block needs. */
export function otherTestOf(file: string, block: Block): string | undefined {
  if (DOCUMENTS[file] !== undefined) return DOCUMENTS[file];
  if (file === 'docs/clients.md' && block.language === 'python') return 'test/client/python.test.ts';
  return isForBrowser(block) ? 'test/renderer/pages.test.ts' : undefined;
}

/** What a test has to run, each sample once. */
export const samplesRunBy = (test: string): string[] => [
  ...new Set(
    documentPages.flatMap(({ file, blocks }) =>
      blocks
        .filter((block) => PROGRAMS.has(block.language) && otherTestOf(file, block) === test)
        .map(({ text }) => text),
    ),
  ),
];
