// The test command: every *.test.ts of the project, in Node's own runner, the files that took longest in the last run first.
// Files with failures run a second time, each alone; the last lines name what passed only then.
// Usage: npm test [-- PATTERN…] [-- --test-…]; a pattern is a part of a file's path, an option one of `OPTIONS`.
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { dot, junit, spec, tap } from 'node:test/reporters';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleDaemon } from './helpers/bundle-daemon.mjs';
import { bundleTypebox } from './helpers/bundle-typebox.mjs';
import { shareServers } from './helpers/servers-of-run.ts';
import { stripTypes } from './helpers/strip-types.mjs';
import { gatherTemporaryFiles } from './helpers/temporary-files.ts';
import { runFiles, secondTry } from './helpers/two-tries.mjs';

/** Node's own options for tests that are passed on. */
const OPTIONS = /** @type {const} */ ({
  'test-concurrency': { type: 'string' },
  'test-timeout': { type: 'string', default: '180000' },
  'test-reporter': { type: 'string', default: 'spec' },
  'test-name-pattern': { type: 'string', multiple: true },
  'test-skip-pattern': { type: 'string', multiple: true },
  'test-only': { type: 'boolean' },
  /** Keeps the durations of this run in the repository, for the first run of a clone. */
  'record-durations': { type: 'boolean' },
  /** Bundles the daemon for a few files too. */
  bundle: { type: 'boolean' },
  /** A folder with other tests, for the test of this command. */
  root: { type: 'string', default: path.resolve(import.meta.dirname, '..') },
});
const REPORTERS = { spec: () => new spec(), tap: () => tap, dot: () => dot, junit: () => junit };

const { values, positionals: patterns } = options();
const { root } = values;
const LAST = path.join(root, 'node_modules', '.cache', 'test-durations.json');
const COMMITTED = path.join(root, 'test', 'durations.json');
const all = ['shared', 'daemon', 'desktop', 'plugins', 'test', 'build'].flatMap((folder) =>
  globSync(`${folder}/**/*.test.{ts,tsx}`, { cwd: root, exclude: (name) => name === 'node_modules' }),
);
const found = all.filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)));
if (found.length === 0) fail(`no test file matches ${patterns.join(' ')}`);
// started last, a long file would run on while the other cores have nothing left to do; a new file may be one
const durations = readDurations();
const files = found.sort((a, b) => (durations[b] ?? Infinity) - (durations[a] ?? Infinity) || (a < b ? -1 : 1));

const reporter = REPORTERS[values['test-reporter']];
if (reporter === undefined) fail(`--test-reporter is one of ${Object.keys(REPORTERS).join(', ')}`);
// more than there are cores: many tests wait for servers and browsers
const concurrency = wholeNumber('test-concurrency') ?? Math.min(4, os.availableParallelism() + 2);
process.env.NODE_COMPILE_CACHE = path.join(root, 'node_modules', '.cache', 'compile');
process.chdir(root);
gatherTemporaryFiles();
shareServers();
await bundleTypebox();
// a few files are quicker without, and their errors name lines of the sources
const areMany = values.bundle || files.length > 20;
if (areMany) {
  await bundleDaemon();
  stripTypes();
}
/** Names of skipped tests with their reasons, for the last lines. */
const skipped = [];
const patternsOfTests =
  values['test-only'] || values['test-name-pattern'] !== undefined || values['test-skip-pattern'] !== undefined;
const settings = {
  cwd: root,
  execArgv: ['--import', pathToFileURL(path.join(import.meta.dirname, 'helpers', 'light-hooks.mjs')).href],
  timeout: wholeNumber('test-timeout'),
  only: values['test-only'],
  testNamePatterns: values['test-name-pattern'],
  testSkipPatterns: values['test-skip-pattern'],
};
const outcomes = await runFiles(
  {
    ...settings,
    files: files.map((file) => path.join(root, file)),
    concurrency,
    // a pattern would match the names of files
    isShared: areMany && !patternsOfTests,
  },
  (events) =>
    pipeline(
      events
        .on('test:pass', ({ name, skip, file }) => {
          if (skip !== undefined && skip !== false)
            skipped.push({ name, reason: skip === true ? 'no reason given' : skip, file });
        })
        .on('test:summary', ({ file, duration_ms }) => {
          if (file !== undefined) durations[path.relative(root, file)] = Math.round(duration_ms / 100) / 10;
        }),
      reporter(),
      process.stdout,
      { end: false },
    ),
).catch((error) => {
  // the runner of tests would only note it
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
writeDurations();
const { failed, lines } = await secondTry(outcomes, settings);
if (failed) process.exitCode = 1;
if (values['test-reporter'] === 'spec') process.stdout.write(skippedLines());
// a report for a program stays one
(['spec', 'dot'].includes(values['test-reporter']) ? process.stdout : process.stderr).write(lines);

/** What was skipped and why, one line for each reason. */
function skippedLines() {
  const reasons = Map.groupBy(skipped, ({ reason }) => reason);
  const lines = [...reasons].map(([reason, tests]) => {
    const files = new Set(tests.map(({ file }) => path.relative(root, file)));
    return `  ${tests.length} × ${reason} (${[...files].join(', ')}): ${tests.map(({ name }) => name).join('; ')}\n`;
  });
  return lines.length === 0 ? '' : `\nskipped:\n${lines.join('')}`;
}

/** Seconds that each file took: in the last run here, else in the run that was committed. */
function readDurations() {
  const [last, committed] = [LAST, COMMITTED].map((file) => {
    try {
      return JSON.parse(readFileSync(file, 'utf8'));
    } catch {
      return {};
    }
  });
  return { ...committed, ...last };
}

function writeDurations() {
  const known = Object.fromEntries(
    Object.entries(durations)
      .filter(([file]) => all.includes(file))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  const text = `${JSON.stringify(known, null, 2)}\n`;
  mkdirSync(path.dirname(LAST), { recursive: true });
  writeFileSync(LAST, text);
  if (values['record-durations']) writeFileSync(COMMITTED, text);
}

function options() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true });
  } catch (error) {
    return fail(error.message);
  }
}

function wholeNumber(name) {
  const text = values[name];
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) fail(`--${name} must be a whole number from 1`);
  return Number(text);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
