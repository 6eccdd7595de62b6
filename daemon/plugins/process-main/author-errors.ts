import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { lastImported } from '../import-plugin.ts';
import { plain } from '../wire/protocol.ts';
import { redacted } from './redaction.ts';

const LONGEST_PLACE = 120;

let folder = '';

/** Names places relative to the plugin's folder from now on. */
export function nameFilesBelow(dir: string): void {
  folder = dir;
}

/** What the plugin's code threw, in one line: its words, and the file and line in the plugin's folder. */
export function wordsOf(thrown: unknown, length = 300): string {
  const isError = thrown instanceof Error;
  const place = isError ? placeOf(thrown).slice(-LONGEST_PLACE) : '';
  const words = isError ? String(thrown.message) || thrown.name : textOf(thrown);
  const room = place === '' ? length : length - place.length - 3;
  return plain(redacted(words), room) + (place === '' ? '' : ` (${place})`);
}

const textOf = (thrown: unknown): string =>
  typeof thrown === 'string' && thrown.trim() !== '' ? thrown : 'it threw something that is not an error';

/** `file:line:column` of the first frame in the plugin's folder; empty if there is none. */
function placeOf(error: Error): string {
  const stack = String(error.stack);
  const found = placeIn(stack);
  // V8 doesn't say where a module's syntax is wrong: it is in the one that was being loaded
  if (found !== '' || !(error instanceof SyntaxError) || !stack.includes('node:internal/modules/')) return found;
  const url = lastImported();
  if (url === undefined || !url.startsWith(`${pathToFileURL(folder).href}/`)) return '';
  const file = fileURLToPath(url);
  try {
    stripTypeScriptTypes(readFileSync(file, 'utf8'), { sourceUrl: file });
  } catch (parsed) {
    const line = placeIn(String((parsed as Error).stack));
    if (line !== '') return line;
  }
  return path.relative(folder, file).replaceAll(path.sep, '/');
}

function placeIn(stack: string): string {
  for (const line of stack.split('\n'))
    for (const [root, isUrl] of [
      [`${pathToFileURL(folder).href}/`, true],
      [folder + path.sep, false],
    ] as const) {
      const start = line.indexOf(root);
      const match = start < 0 ? null : /^([^'"]+?):(\d+(?::\d+)?)\)?$/.exec(line.slice(start + root.length));
      if (match === null) continue;
      const [, file = '', where = ''] = match;
      return `${isUrl ? decodeURIComponent(file) : file.replaceAll(path.sep, '/')}:${where}`;
    }
  return '';
}
