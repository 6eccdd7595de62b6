// Run before `npm start` and `npm test`: installs the dependencies when they are missing or older than the lockfile,
// so that a fresh clone needs no step of its own. Plain JavaScript without dependencies, for any Node from 20 up.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
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

// the platform is part of it: a node_modules copied from another system must be made anew
const wanted = createHash('sha256')
  .update(read(path.join(root, 'package-lock.json')))
  .update(`${process.platform} ${process.arch}`)
  .digest('hex');

if (read(stamp) !== wanted) {
  process.stderr.write('streamhub: installing dependencies (once, npm ci)\n');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const [command, all] = npm ? [process.execPath, [npm, ...args]] : ['npm', args];
  const { status, error } = spawnSync(command, all, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: !npm && process.platform === 'win32',
  });
  if (status !== 0) {
    process.stderr.write(`streamhub: npm ci failed${error ? `: ${error.message}` : ''}\n`);
    process.exit(status ?? 1);
  }
  writeFileSync(stamp, wanted);
}
