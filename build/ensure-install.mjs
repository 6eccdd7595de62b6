// Run before `npm start` and `npm test`: installs the dependencies when they are missing or older than the lockfile,
// so that a fresh clone needs no separate step. Plain JavaScript without dependencies, for any Node from 20 up.
// Usage: node build/ensure-install.mjs [--daemon]; `--daemon` installs only what the daemon needs, a third of all packages.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRESS_MS = 10_000;
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const modules = path.join(root, 'node_modules');
const stamp = path.join(modules, '.streamhub-install');
const lock = path.join(root, '.streamhub-installing');
const isDaemonOnly = process.argv.includes('--daemon');

const read = (file) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};
const say = (text) => process.stderr.write(`streamhub: ${text}\n`);

const lockfile = read(path.join(root, 'package-lock.json'));
// the platform is part of it: a node_modules copied from another system must be created again
const wanted = createHash('sha256').update(lockfile).update(`${process.platform} ${process.arch}`).digest('hex');

/** What the stamp says is installed: `all`, `daemon`, or undefined where it is of another lockfile or system. */
function installed() {
  const [hash, level = 'all'] = read(stamp).trim().split(' ');
  return hash === wanted ? level : undefined;
}
const isEnough = () => installed() === 'all' || (isDaemonOnly && installed() === 'daemon');

/** Runs npm here, with the npm that called this script where there is one. Resolves to whether it succeeded. */
async function npm(args, { quiet = false } = {}) {
  const cli = process.env.npm_execpath;
  const all = [...args, '--no-audit', '--no-fund', quiet ? '--loglevel=silent' : '--loglevel=error'];
  // `npm ci` takes the Node away that is in node_modules, which may be the one that runs this
  const node = existsSync(process.execPath) ? process.execPath : 'node';
  const [command, argv] = cli ? [node, [cli, ...all]] : ['npm', all];
  return new Promise((resolve) => {
    const child = spawn(command, argv, {
      cwd: root,
      stdio: ['ignore', 'ignore', quiet ? 'ignore' : 'inherit'],
      shell: !cli && process.platform === 'win32',
    });
    child.on('error', (error) => {
      if (!quiet) say(error.message);
      resolve(false);
    });
    child.on('close', (code) => resolve(code === 0));
  });
}

/** Runs `work` and says every few seconds how many of the packages are there. */
async function withProgress(work) {
  const { packages } = JSON.parse(lockfile);
  const places = Object.entries(packages).flatMap(([place, { dev, optional, devOptional }]) =>
    place === '' || (isDaemonOnly && (dev || optional || devOptional)) ? [] : [path.join(root, place, 'package.json')],
  );
  const started = Date.now();
  const timer = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    const there = places.filter((file) => existsSync(file)).length;
    say(`${there} of ${places.length} packages are there after ${seconds} s`);
  }, PROGRESS_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

async function install() {
  say(`installing what ${isDaemonOnly ? 'the daemon needs' : 'is missing'} (once, with npm)`);
  // No install scripts but the ones named here: npm would run node-gyp for better-sqlite3, which brings its binary with it,
  // and fail on a machine without Python, a compiler or a way to nodejs.org.
  const steps =
    installed() === 'daemon'
      ? // a daemon may run from the packages that are there: they stay untouched
        [['install', '--no-save', '--ignore-scripts']]
      : [
          ['ci', '--ignore-scripts', ...(isDaemonOnly ? ['--omit=dev', '--omit=optional'] : [])],
          ['rebuild', 'node', '--ignore-scripts=false'],
        ];
  for (const args of steps) {
    if (await withProgress(() => npm(args))) continue;
    say(`npm ${args[0]} failed`);
    process.exitCode = 1;
    return;
  }
  for (const name of isDaemonOnly ? [] : ['keytar', 'node-pty']) {
    if (
      existsSync(path.join(modules, name)) &&
      !(await npm(['rebuild', name, '--ignore-scripts=false'], { quiet: true }))
    )
      say(`${name} could not be built; it is optional, the desktop app does without`);
  }
  writeFileSync(stamp, `${wanted} ${isDaemonOnly ? 'daemon' : 'all'}`);
}

/** Two daemons of one clone must not install into it at the same time: the second one waits for the first. */
async function alone(work) {
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const pid = Number(read(path.join(lock, 'pid')));
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (pid > 0 ? !isRunning(pid) : age > 10_000) rmSync(lock, { recursive: true, force: true });
    else await sleep(500);
  }
  const free = () => rmSync(lock, { recursive: true, force: true });
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => {
      free();
      process.exit(1);
    });
  try {
    writeFileSync(path.join(lock, 'pid'), String(process.pid));
    await work();
  } finally {
    free();
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

if (!isEnough()) {
  await alone(async () => {
    if (!isEnough()) await install();
  });
}
