// The test command: every *.test.ts of the project, in Node's own runner, the longest files first.
// Usage: npm test [-- PATTERN…] [-- --test-…]; a pattern is a part of a file's path, an option one of `OPTIONS`.
import { existsSync, globSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import { dot, junit, spec, tap } from 'node:test/reporters';
import { parseArgs } from 'node:util';

/**
 * Files that take longest, longest first: started last they would run on while other cores have nothing left to do. The
 * rest is run in the order of the alphabet.
 */
const LONGEST = [
  'test/plugins/kit.test.ts',
  'test/integration/plugin-hostile.test.ts',
  'test/integration/purge.test.ts',
  'test/faults/purge-kill.test.ts',
  'test/cluster/drain.test.ts',
  'test/renderer/config.test.ts',
  'test/renderer/screens.test.ts',
  'test/integration/plugin-lifecycle.test.ts',
  'test/integration/plugin-provider.test.ts',
  'test/plugins/guide.test.ts',
  'test/cluster/systemd.test.ts',
  'test/renderer/machine.test.ts',
  'test/renderer/people.test.ts',
  'test/renderer/tasks.test.ts',
  'test/integration/authz.test.ts',
  'test/renderer/apps.test.ts',
  'test/renderer/connection.test.ts',
  'test/integration/recording.livekit.test.ts',
  'test/integration/streams.livekit.test.ts',
  'test/faults/kill.test.ts',
];
/** Node's own options for tests that are passed on. */
const OPTIONS = /** @type {const} */ ({
  'test-concurrency': { type: 'string' },
  'test-timeout': { type: 'string', default: '180000' },
  'test-reporter': { type: 'string', default: 'spec' },
  'test-name-pattern': { type: 'string', multiple: true },
  'test-skip-pattern': { type: 'string', multiple: true },
  'test-only': { type: 'boolean' },
});
const REPORTERS = { spec: () => new spec(), tap: () => tap, dot: () => dot, junit: () => junit };

const root = path.resolve(import.meta.dirname, '..');
const { values, positionals: patterns } = options();
const found = ['shared', 'daemon', 'desktop', 'plugins', 'test', 'build']
  .flatMap((folder) =>
    globSync(`${folder}/**/*.test.{ts,tsx}`, { cwd: root, exclude: (name) => name === 'node_modules' }),
  )
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)));
if (found.length === 0) fail(`no test file matches ${patterns.join(' ')}`);
const unknown = LONGEST.filter((file) => !existsSync(path.join(root, file)));
if (unknown.length > 0) fail(`test/run.mjs names files that are not there: ${unknown.join(', ')}`);
const rank = (file) => (LONGEST.includes(file) ? LONGEST.indexOf(file) : LONGEST.length);
const files = found.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));

const reporter = REPORTERS[values['test-reporter']];
if (reporter === undefined) fail(`--test-reporter is one of ${Object.keys(REPORTERS).join(', ')}`);
// more than there are cores: many tests wait for servers and browsers
const concurrency = wholeNumber('test-concurrency') ?? Math.min(4, os.availableParallelism() + 2);
process.env.NODE_COMPILE_CACHE = path.join(root, 'node_modules', '.cache', 'compile');
process.chdir(root);
run({
  files: files.map((file) => path.join(root, file)),
  cwd: root,
  concurrency,
  timeout: wholeNumber('test-timeout'),
  only: values['test-only'],
  testNamePatterns: values['test-name-pattern'],
  testSkipPatterns: values['test-skip-pattern'],
})
  .on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1;
  })
  .compose(reporter())
  .pipe(process.stdout);

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
