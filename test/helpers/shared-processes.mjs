// Runs test files in a few processes: each takes the next file when it has done one. A file gets its own process when it
// says so (`// own process: why`), awaits something while it loads, or has real media.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { run } from 'node:test';
import { testsSources } from './bundles.mjs';
import { runFile } from './run-file.mjs';

const PROCESS = path.join(import.meta.dirname, 'shared-process.mjs');
/** Milliseconds that a process gets to end by itself after a file that took too long. */
const GRACE = 3_000;
const OWN = /^\/\/ own process: \S/m;
/** The native library for LiveKit's media is there for one file. */
const LIVE = /\bdisposeMedia\b/;
const AWAITS = /^(?:(?:export )?(?:const|let) [^=]*= (?!async\b).*)?\bawait\b/m;

/**
 * Runs test files, several at the same time; a file's events come together when it is done, and what all files came to comes last.
 * @param {import('node:test').RunOptions & {files: string[], concurrency: number, timeout: number}} options the files are absolute
 * @returns {import('node:stream').Readable} events as of Node's `run()`
 */
export function runInSharedProcesses({ files, concurrency, ...options }) {
  const events = new PassThrough({ objectMode: true });
  const counts = {};
  let groups = 0;
  const started = performance.now();
  const queues = { own: [], bundle: [], sources: [] };
  for (const file of files) queues[kindOf(file)].push(file);
  const emit = (type, data) => {
    events.emit(type, data);
    events.write({ type, data });
  };

  /** Hands on what `run()` tells, and keeps its sums. */
  async function follow(start, settings, see) {
    for await (const { type, data } of start({ ...options, ...settings })) {
      const ofAll = data.file === undefined;
      if (ofAll && type === 'test:summary')
        for (const [name, count] of Object.entries(data.counts)) counts[name] = (counts[name] ?? 0) + count;
      if (!ofAll || !['test:summary', 'test:diagnostic', 'test:plan'].includes(type)) see(type, data);
    }
  }

  async function alone(file) {
    const told = [];
    await follow(runFile, { files: [file] }, (type, data) => told.push([type, data]));
    for (const [type, data] of told) emit(type, data);
  }

  async function together(kind) {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'test-process-'));
    const address = path.join(folder, 'socket');
    /** What was told of the file under test. */
    let told = [];
    let file;
    /** The file that the process got last, and those whose tests are over. */
    let given;
    const done = new Set();
    let watch;
    let hasToldError = false;
    /** Errors that no test caught, with the file that was under test. */
    const said = [];
    /** How the process ended, where that was not well, and the end of what it told. */
    let end;
    let heard;
    const server = net.createServer((socket) => {
      // a process that is killed may end it with an error
      heard = once(socket, 'close').catch(() => {});
      createInterface({ input: socket }).on('line', (line) => {
        const { pid, of, error } = JSON.parse(line);
        if (error !== undefined) {
          hasToldError = true;
          said.push([of, new Error(error)]);
          return;
        }
        clearTimeout(watch);
        const next = queues[kind].shift();
        given = next ?? given;
        watch = setTimeout(() => {
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // it ended in the meantime
          }
        }, options.timeout + GRACE);
        socket.write(`${next ?? ''}\n`);
      });
    });
    await once(server.listen(address), 'listening');
    const handOn = () => {
      for (const [type, data] of told) emit(type, data);
      told = [];
    };
    const fail = (of, error) => {
      const whole = { name: path.relative(options.cwd, of), file: of, nesting: 0 };
      told.push(['test:start', whole], ['test:fail', { ...whole, details: { error, duration_ms: 0 } }]);
    };
    /** Of a group, which is one file, or of the process. */
    const seeOwn = (type, data) => {
      if (data.name === PROCESS) {
        if (type === 'test:fail') end = data.details.error;
        return;
      }
      if (type === 'test:dequeue') file = data.name;
      else if (type === 'test:stdout' || type === 'test:stderr') told.push([type, { ...data, file }]);
      else if (['test:start', 'test:pass', 'test:fail'].includes(type)) {
        told.push([type, { ...data, file, name: path.relative(options.cwd, file) }]);
        if (type === 'test:start') return;
        done.add(file);
        told.push(['test:summary', { file, duration_ms: data.details.duration_ms }]);
        for (const [of, error] of said.splice(0)) fail(of, error);
        handOn();
      }
    };
    const settings = { files: [PROCESS], argv: [address, kind, String(options.timeout)], timeout: undefined };
    await follow(run, settings, (type, data) => {
      if (data.file === PROCESS) seeOwn(type, data);
      else told.push([type, data]);
    });
    await heard;
    for (const [of, error] of said) fail(of, error);
    if (given !== undefined && !done.has(given)) {
      // some of its tests did not run
      told = withoutOpen(told);
      fail(given, end ?? new Error('its process ended before its tests'));
    } else if (end !== undefined && end.failureType !== 'subtestsFailed' && !hasToldError) fail(given, end);
    handOn();
    groups += done.size;
    clearTimeout(watch);
    server.close();
    rmSync(folder, { recursive: true });
  }

  /** Files with separate processes mostly wait, for servers and media, and the others mostly compute: both are run at the same time. */
  async function worker(number) {
    const separate = async () => {
      while (queues.own.length > 0) await alone(queues.own.shift());
    };
    const shared = async () => {
      for (const kind of ['bundle', 'sources']) while (queues[kind].length > 0) await together(kind);
    };
    for (const part of number % 2 === 0 ? [separate, shared] : [shared, separate]) await part();
  }

  Promise.all(Array.from({ length: concurrency }, (_, number) => worker(number))).then(
    () => {
      const { topLevel: count, passed: pass, failed: fail, ...others } = counts;
      // a file is a group of its process, and none of its own
      const suites = counts.suites - groups;
      const sums = { ...others, suites, pass, fail, duration_ms: performance.now() - started };
      for (const [name, value] of Object.entries(sums))
        emit('test:diagnostic', { nesting: 0, message: `${name} ${value}` });
      emit('test:plan', { nesting: 0, count });
      events.end();
    },
    (error) => events.destroy(error),
  );
  return events;
}

/** Events without the starts of tests that never ended. */
function withoutOpen(events) {
  const open = [];
  for (const event of events) {
    if (event[0] === 'test:start') open.push(event);
    else if (event[0] === 'test:pass' || event[0] === 'test:fail') open.pop();
  }
  return events.filter((event) => !open.includes(event));
}

/** Where the tests of a file run: in a separate process, or with others for which the product is loaded in the same way. */
function kindOf(file) {
  const text = readFileSync(file, 'utf8');
  if ([OWN, AWAITS, LIVE].some((reason) => reason.test(text))) return 'own';
  return testsSources(file) ? 'sources' : 'bundle';
}
