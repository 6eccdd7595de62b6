// A test that fails by chance must not refuse a change, and must not be forgotten: a second try of its file decides, and the last lines name it.
import path from 'node:path';
import { run } from 'node:test';
import { inspect } from 'node:util';
import { runFile } from './run-file.mjs';
import { runInSharedProcesses } from './shared-processes.mjs';

/** More files than these fail for a reason; to run them all once more would only take time. */
const MOST_FILES = 12;
/** Characters of an error's text, or of a process's last words, in the last lines. */
const MOST_TEXT = 3000;

/** What the tests of one file came to. */
class Outcome {
  /** By the place in the file: what failed, and how. */
  failed = new Map();
  passed = new Set();
  /** What the process wrote to its standard error, and uncaught errors. */
  said = '';

  add(type, data) {
    if (type === 'test:stderr' || (type === 'test:diagnostic' && data.message.startsWith('Error: ')))
      this.said = (this.said + data.message).slice(-MOST_TEXT);
    if (data.skip !== undefined && data.skip !== false) return;
    if (type === 'test:pass') this.passed.add(keyOf(data));
    if (type !== 'test:fail' || (data.todo !== undefined && data.todo !== false)) return;
    const { error } = data.details;
    if (isWhole(data) && error.failureType === 'testTimeoutFailure') {
      // the file's time is up because of the tests that it cut off
      const cut = [...this.failed.values()].filter((one) => one.details.error.failureType === 'cancelledByParent');
      for (const one of cut) one.details = data.details;
      if (cut.length > 0) return;
    }
    // a group that fails because of its tests adds nothing to them
    if (error.failureType !== 'subtestsFailed' || this.failed.size === 0) this.failed.set(keyOf(data), data);
  }

  /** Names of the failed tests, each with its error. */
  errors(root) {
    return [...this.failed].map(([key, data]) => {
      const { name, file } = data;
      const { error } = data.details;
      const wholeFile = isWhole(data);
      const text =
        wholeFile && (error.signal ?? error.exitCode) !== undefined
          ? `its process ended with ${error.signal ?? `code ${error.exitCode}`}\n${this.said}`
          : inspect(error.cause ?? error).slice(0, MOST_TEXT);
      return {
        key,
        name: wholeFile ? path.relative(root, file) : `${path.relative(root, file)}: ${name}`,
        text: text.replaceAll(/^ +at .*node:internal.*\n?/gm, '').trim(),
        wholeFile,
      };
    });
  }
}

/** Is it a file as a whole, by its path or the end of it? */
const isWhole = ({ name, file }) => (path.isAbsolute(name) ? name === file : file?.endsWith(`/${name}`) === true);
const keyOf = (data) => (isWhole(data) ? 'file' : `${data.line}:${data.column} ${data.name}`);

/**
 * Runs test files and hands their events to `report`.
 * @param {import('node:test').RunOptions & {files: string[], isShared?: boolean}} options of Node's runner; `isShared` runs several files in a process
 * @param {(events: import('node:stream').Readable) => Promise<unknown>} report ends with the events
 * @returns {Promise<Map<string, Outcome>>} by file
 */
export async function runFiles({ isShared = false, ...options }, report) {
  const outcomes = new Map();
  const start = isShared ? runInSharedProcesses : options.files.length === 1 ? runFile : run;
  const events = start(options);
  for (const type of ['test:pass', 'test:fail', 'test:stderr', 'test:diagnostic'])
    events.on(type, (data) => {
      if (!outcomes.has(data.file)) outcomes.set(data.file, new Outcome());
      outcomes.get(data.file).add(type, data);
    });
  await report(events);
  return outcomes;
}

/**
 * Runs the files that failed once more, each alone.
 * @param {Map<string, Outcome>} first of `runFiles()`
 * @param {import('node:test').RunOptions} options the same as of the first run, but for its files
 * @returns {Promise<{failed: boolean, lines: string}>} `failed` is false when each failed test has passed now, and no other test of its file failed
 */
export async function secondTry(first, options) {
  const files = [...first.keys()].filter((file) => first.get(file).failed.size > 0);
  if (files.length === 0) return { failed: false, lines: '' };
  if (files.length > MOST_FILES)
    return { failed: true, lines: `\n${files.length} files failed: no second try of so many\n` };
  const [mended, broken] = [[], []];
  for (const file of files) {
    const before = first.get(file).errors(options.cwd);
    const again = (
      await runFiles({ ...options, files: [file], concurrency: 1 }, async (events) => {
        for await (const _ of events);
      })
    ).get(file);
    const now = again?.errors(options.cwd) ?? [];
    const passed = ({ key, wholeFile }) => (wholeFile ? again?.passed.size > 0 : again?.passed.has(key) === true);
    const names = new Map([...before, ...now].map(({ key, name }) => [key, name]));
    const lines = [...names].map(([key, name]) => {
      const [one, two] = [before, now].map((list) => list.find((entry) => entry.key === key)?.text);
      const second = two ?? (before.some((entry) => entry.key === key && !passed(entry)) ? 'did not run' : 'passed');
      return `  ${name}\n${indent(`first try: ${one ?? 'passed'}`)}\n${indent(`second try: ${second}`)}\n`;
    });
    (now.length === 0 && before.every(passed) ? mended : broken).push(...lines);
  }
  const part = (title, lines) => (lines.length === 0 ? '' : `\n${title}:\n${lines.join('')}`);
  return {
    failed: broken.length > 0,
    lines:
      part('failed, and its file failed again at the second try', broken) +
      part('passed only at the second try, its file alone', mended),
  };
}

const indent = (text) => text.replaceAll(/^/gm, '    ');
