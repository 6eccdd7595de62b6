import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { canMakeNamespaces, insideNamespaces } from './namespace.ts';

const run = promisify(execFile);
const skip = (await canMakeNamespaces()) ? false : 'this machine lets its user make no namespaces';

/** Tries things without Node's permission model. */
const SCRIPT = `
const fs = require('node:fs');
const [secret, shown, own] = process.argv.slice(1);
const attempt = (action) => { try { return action(); } catch (error) { return error.code; } };
console.log(JSON.stringify({
  secret: attempt(() => fs.readFileSync(secret, 'utf8')),
  shown: attempt(() => fs.readFileSync(shown, 'utf8')),
  change: attempt(() => fs.writeFileSync(shown, 'x')),
  system: attempt(() => fs.writeFileSync('/usr/x', 'x')),
  root: attempt(() => fs.writeFileSync('/x', 'x')),
  own: attempt(() => fs.writeFileSync(own + '/x', 'x')),
  passwords: attempt(() => fs.readFileSync('/etc/shadow')),
  processes: fs.readdirSync('/proc').filter((name) => /^\\\\d+$/.test(name)),
  parent: attempt(() => process.ppid),
  daemon: attempt(() => process.kill(${process.pid}, 0)),
  rights: /CapEff:\\\\s+(\\\\w+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1],
}));
`;

test('inside of its namespaces a process sees what it is shown, and nothing else of the machine', {
  skip,
}, async (t) => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  for (const name of ['root', 'own', 'shown']) await mkdir(path.join(dir, name));
  const [secret, shown, own] = [path.join(dir, 'secret'), path.join(dir, 'shown/a'), path.join(dir, 'own')];
  await writeFile(secret, 'secret');
  await writeFile(shown, 'shown');
  const command = [process.execPath, '-e', SCRIPT.replaceAll('\\\\', '\\'), '--', secret, shown, own];
  const places = { root: path.join(dir, 'root'), writable: own, readable: [path.join(dir, 'shown')] };
  const [file = '', ...args] = insideNamespaces(command, places);
  // what a test run preloads is not shown inside
  const { stdout } = await run(file, args, { env: { ...process.env, NODE_OPTIONS: '' } });
  const found = JSON.parse(stdout);
  assert.deepEqual(found, {
    secret: 'ENOENT',
    shown: 'shown',
    change: 'EROFS',
    system: 'EROFS',
    root: 'EROFS',
    passwords: 'ENOENT',
    processes: ['1'],
    parent: 0,
    daemon: 'ESRCH',
    rights: '0000000000000000',
  });
});

/** As the daemon's unit is confined: an ordinary user, and an empty folder of systemd's over one below /usr. */
const CONFINED = `mount -t tmpfs -o mode=000 none "$0" && exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "$@"`;

const MODULE = path.join(import.meta.dirname, 'namespace.ts');
const asUser = ['--reuid=65534', '--regid=65534', '--clear-groups'];
/** Only root can mount, and a user must be able to read the clone. */
const noUser =
  process.getuid?.() !== 0 ||
  spawnSync('setpriv', [...asUser, process.execPath, '-e', `fs.readFileSync(${JSON.stringify(MODULE)})`]).status !== 0;

test('a user makes them too where something is mounted below a place that is shown', {
  skip: skip || (noUser && 'it needs root, and a clone that other users can read'),
}, async (t) => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  await chmod(dir, 0o755);
  const script = `import { canMakeNamespaces } from ${JSON.stringify(MODULE)};
process.stdout.write(String(await canMakeNamespaces()));`;
  const node = [process.execPath, '--input-type=module', '-e', script];
  const env = { PATH: process.env['PATH'] ?? '', TMPDIR: os.tmpdir() };
  const { stdout } = await run('unshare', ['-m', 'sh', '-c', CONFINED, '/usr/share/man', ...node], { env, cwd: dir });
  assert.equal(stdout, 'true');
});
