// Run before `npm start` and `npm test`: installs the dependencies when they are missing or older than the lockfile,
// so that a fresh clone needs a separate step. Plain JavaScript without dependencies, for any Node from 20 up.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const stamp = path.join(root, 'node_modules', '.streamhub-install');

const read = (file) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

// the platform is part of it: a node_modules copied from another system must be created again
const wanted = createHash('sha256')
  .update(read(path.join(root, 'package-lock.json')))
  .update(`${process.platform} ${process.arch}`)
  .digest('hex');

/** Runs npm here, with the npm that called this script where there is one. @returns whether it succeeded */
function npm(args, { quiet = false } = {}) {
  const cli = process.env.npm_execpath;
  const all = [...args, '--no-audit', '--no-fund', quiet ? '--loglevel=silent' : '--loglevel=error'];
  // `npm ci` takes the Node away that is in node_modules, which may be the one that runs this
  const node = existsSync(process.execPath) ? process.execPath : 'node';
  const [command, argv] = cli ? [node, [cli, ...all]] : ['npm', all];
  const { status, error } = spawnSync(command, argv, {
    cwd: root,
    stdio: ['ignore', quiet ? 'ignore' : 'inherit', quiet ? 'ignore' : 'inherit'],
    shell: !cli && process.platform === 'win32',
  });
  if (error && !quiet) process.stderr.write(`streamhub: ${error.message}\n`);
  return status === 0;
}

if (read(stamp) !== wanted) {
  process.stderr.write('streamhub: installing dependencies (once, npm ci)\n');
  // No install scripts but the ones named here: npm would run node-gyp for better-sqlite3, which brings its binary with it,
  // and fail on a machine without Python, a compiler or a way to nodejs.org.
  for (const args of [
    ['ci', '--ignore-scripts'],
    ['rebuild', 'node', '--ignore-scripts=false'],
  ]) {
    if (npm(args)) continue;
    process.stderr.write(`streamhub: npm ${args[0]} failed\n`);
    process.exit(1);
  }
  for (const name of ['keytar', 'node-pty']) {
    if (
      existsSync(path.join(root, 'node_modules', name)) &&
      !npm(['rebuild', name, '--ignore-scripts=false'], { quiet: true })
    )
      process.stderr.write(`streamhub: ${name} could not be built; it is optional, the desktop app does without\n`);
  }
  writeFileSync(stamp, wanted);
}
