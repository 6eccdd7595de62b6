import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { testDaemon } from '#test/helpers/daemon.ts';
import { installPlugin, providerCode } from '#test/helpers/plugins.ts';

const SECRET = 'never-to-be-seen-by-others';

/** Tries everything at load, and tells what came of it in the description of its provider's settings. */
const SPY = `
import fs from 'node:fs';
import http from 'node:http';
import module from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const own = import.meta.dirname;
const data = path.resolve(own, '../..');
const outcomes = {};
const attempt = async (name, action) => {
  try {
    outcomes[name] = 'open: ' + JSON.stringify(await action());
  } catch (error) {
    const { code = error.name } = error.cause ?? error;
    outcomes[name] = 'stopped: ' + code;
  }
};
const connected = (...where) => new Promise((resolve, reject) => net.connect(...where).on('connect', () => resolve('connected')).on('error', reject));
const secrets = path.join(data, 'data/secrets.json');
const registry = path.join(data, 'data/streamhub.db');

await attempt('control: own file', () => fs.readFileSync(path.join(own, 'note.txt'), 'utf8'));
await attempt('control: port', () => connected(Number(fs.readFileSync(path.join(own, 'port.txt'), 'utf8')), '127.0.0.1'));
await attempt('secrets', () => fs.readFileSync(secrets, 'utf8'));
await attempt('secrets, climbing', () => fs.readFileSync(own + '/../../data/secrets.json', 'utf8'));
await attempt('secrets, as bytes', () => fs.readFileSync(Buffer.from(secrets), 'utf8'));
await attempt('secrets, imported', () => import(secrets, { with: { type: 'json' } }));
await attempt('secrets, required', () => module.createRequire(import.meta.url)(secrets));
await attempt('secrets, as env file', () => process.loadEnvFile(secrets));
await attempt('secrets, as blob', async () => (await fs.openAsBlob(secrets)).text());
await attempt('registry', () => fs.readFileSync(registry).length);
await attempt('registry, by sqlite', async () => {
  const { DatabaseSync } = await import('node:sqlite');
  return new DatabaseSync(registry).prepare('SELECT * FROM api_tokens').all();
});
await attempt('config of an app', () => fs.readFileSync(path.join(data, 'apps/live/config.yaml'), 'utf8'));
await attempt('list of apps', () => fs.readdirSync(path.join(data, 'apps')));
await attempt('another plugin', () => fs.readFileSync(path.join(data, 'plugins/neighbour/plugin.json'), 'utf8'));
await attempt('environment of the daemon', () => fs.readFileSync('/proc/' + process.ppid + '/environ', 'utf8'));
await attempt('memory of the daemon', () => fs.openSync('/proc/' + process.ppid + '/mem'));
await attempt('own descriptors', () => fs.readdirSync('/proc/self/fd'));
await attempt('password file', () => fs.readFileSync('/etc/passwd', 'utf8'));
await attempt('write own folder', () => fs.writeFileSync(path.join(own, 'new.txt'), 'x'));
await attempt('write elsewhere', () => fs.writeFileSync(path.join(os.tmpdir(), 'x'), 'x'));
await attempt('make a link', () => fs.symlinkSync(secrets, path.join(own, 'link')));
await attempt('change rights by descriptor', () => fs.fchmodSync(fs.openSync(path.join(own, 'note.txt')), 0o777));
await attempt('child process', async () => (await import('node:child_process')).execSync('id').toString());
await attempt('cluster', async () => void (await import('node:cluster')).default.fork());
await attempt('worker', async () => new (await import('node:worker_threads')).Worker('1', { eval: true }).threadId);
await attempt('loader', () => module.register('data:text/javascript,'));
await attempt('binding', () => Object.keys(process.binding('fs')));
await attempt('linked binding', () => Object.keys(process._linkedBinding('spawn_sync')));
await attempt('native code', () => process.dlopen({ exports: {} }, path.join(own, 'note.txt')));
await attempt('inspector', async () => (await import('node:inspector')).open(0));
await attempt('inspector session', async () => new (await import('node:inspector')).Session().connect());
await attempt('wasi', async () => void new (await import('node:wasi')).WASI({ version: 'preview1' }));
await attempt('signal to the daemon', () => process.kill(process.ppid, 0));
await attempt('debugger of the daemon', () => process._debugProcess(process.ppid));
await attempt('priority of the daemon', () => os.setPriority(process.ppid, 19));
await attempt('user id', () => process.setuid(0));
await attempt('engine flags', async () => (await import('node:v8')).setFlagsFromString('--max-old-space-size=8000'));
await attempt('heap snapshot', async () => (await import('node:v8')).writeHeapSnapshot(path.join(own, 'heap')));
await attempt('report', () => process.report.writeReport(path.join(own, 'report.json')));
await attempt('listen', () => new Promise((resolve, reject) => net.createServer().on('error', reject).listen(0, () => resolve('listens'))));
await attempt('datagram', async () => (await import('node:dgram')).createSocket('udp4').send('x', 9, '127.0.0.1'));
await attempt('datagram socket', async () => new (await import('node:dgram')).Socket('udp4').send('x', 9, '127.0.0.1'));
await attempt('socket of the machine', () => connected('/var/run/docker.sock'));
await attempt('socket of the machine, by http', () => new Promise((resolve, reject) => http.get({ socketPath: '/var/run/docker.sock' }, resolve).on('error', reject)));
await attempt('metadata, by fetch', async () => (await fetch('http://169.254.169.254/latest/')).status);
await attempt('metadata, by socket', () => connected(80, '169.254.169.254'));
await attempt('metadata, by name', () => connected(80, 'metadata.google.internal'));
await attempt('metadata, inside IPv6', () => connected(80, '::ffff:169.254.169.254'));
await attempt('handles', () => process._getActiveHandles().length);
outcomes.environment = JSON.stringify(Object.keys(process.env));
outcomes.arguments = JSON.stringify(process.argv) + JSON.stringify(process.execArgv);
outcomes.report = JSON.stringify(process.report.getReport().environmentVariables);
const seen = [];
`;

const PARTS = `
  settings: Type.Object({ bucket: Type.String({ default: '' }) }, { description: JSON.stringify(outcomes) }),
  open: ({ credentials }) => {
    seen.push(credentials.key + ':' + credentials.secret);
    throw new StorageError('FAILED', { detail: seen.join(' and ') });
  },
`;

test('a plugin reaches nothing but its own folder, the network within the policy, and the one app that it works for', async (t) => {
  const daemon = await testDaemon(t, { STREAMHUB_JWT_SECRET: SECRET.repeat(2), STREAMHUB_PLUGIN_LOAD_S: '60' });
  const { dataDir, api, token } = daemon;
  await api.post('/apps', { name: 'victim' });
  const given = await api.put('/apps/victim/s3', { bucket: 'x', key: 'victims-key', secret: SECRET });
  assert.equal(given.status, 200, given.text);
  await installPlugin(dataDir, 'neighbour', 'export default {};');
  const files = { 'note.txt': 'mine', 'port.txt': new URL(daemon.url).port };
  await installPlugin(dataDir, 'spy', providerCode('spy', PARTS, SPY), { files });
  await api.post('/plugins/reload');

  const form = (await api.get('/storage/providers')).body.data.find((one: { id: string }) => one.id === 'spy');
  assert.ok(form, (await api.get('/plugins/spy')).body.data.reason);
  const { environment, arguments: args, report, ...outcomes } = JSON.parse(form.settings.description);
  const control = Object.entries(outcomes).filter(([name]) => name.startsWith('control'));
  assert.deepEqual(
    control.map(([, outcome]) => outcome),
    ['open: "mine"', 'open: "connected"'],
  );
  assert.ok(Object.keys(outcomes).length > 45);
  const open = Object.entries(outcomes).filter(([name, outcome]) => {
    // what does not exist on this machine proves nothing
    assert.doesNotMatch(String(outcome), /ENOENT|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|TypeError/, name);
    return !name.startsWith('control') && !String(outcome).startsWith('stopped');
  });
  assert.deepEqual(open, []);
  const kept = [
    'PATH',
    'HOME',
    'TZ',
    'LANG',
    'LC_ALL',
    'NODE_EXTRA_CA_CERTS',
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    'SystemRoot',
  ];
  const strange = (JSON.parse(environment) as string[]).filter(
    (name) => !kept.includes(name) && !name.startsWith('AWS_'),
  );
  assert.deepEqual(strange, []);
  for (const text of [form.settings.description, args, report]) {
    assert.ok(!text.includes(SECRET) && !text.includes(token) && !text.includes('victims-key'));
  }

  // each app has a separate process, so that nothing adds up
  for (const app of ['live', 'victim']) {
    if (app === 'live') await api.put('/apps/live/s3', { bucket: 'x', key: 'lives-key', secret: 'lives-secret' });
    const { body } = await api.post(`/apps/${app}/s3/test`, { provider: 'spy' });
    const expected = app === 'live' ? 'lives-key:lives-secret' : `victims-key:${SECRET}`;
    const step = body.data.steps.find((one: { id: string }) => one.id === 'sign');
    assert.equal(step.message, `The storage returned an error. ${expected}`);
  }
  const { processes } = (await api.get('/plugins/spy')).body.data;
  assert.deepEqual(processes.map((one: { app: string | null }) => one.app).sort(), ['live', 'victim', null].sort());
});

test('a plugin whose folder leads out of itself is not loaded', async (t) => {
  const daemon = await testDaemon(t);
  const folder = await installPlugin(daemon.dataDir, 'linked', 'export default {};');
  await mkdir(path.join(folder, 'lib/deep'), { recursive: true });
  await symlink(path.join(daemon.dataDir, 'data'), path.join(folder, 'lib/deep/data'));
  const other = await installPlugin(daemon.dataDir, 'linked-file', 'export default {};');
  await writeFile(path.join(other, 'a.txt'), 'x');
  await symlink('/proc/self/environ', path.join(other, 'environ'));
  await symlink('a.txt', path.join(other, 'inside'));
  await daemon.api.post('/plugins/reload');
  for (const [id, link] of [
    ['linked', 'lib/deep/data'],
    ['linked-file', 'environ'],
  ]) {
    const { state, reason } = (await daemon.api.get(`/plugins/${id}`)).body.data;
    assert.deepEqual([state, reason], ['failed', `${link} leads outside the plugin's folder`]);
  }
});
