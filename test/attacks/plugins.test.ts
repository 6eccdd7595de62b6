import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { testDaemon } from '#test/helpers/daemon.ts';
import { installPlugin, providerCode, upload } from '#test/helpers/plugins.ts';

const SECRET = 'never-to-be-seen-by-others';

/** Tries every way to the network that hands in something other than it says, or works below the API. */
const DIGGER = `
import async_hooks from 'node:async_hooks';
import dgram from 'node:dgram';
import dns from 'node:dns';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import traceEvents from 'node:trace_events';
import util from 'node:util';
import vm from 'node:vm';

const { port, udp, unix, abstract } = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, 'where.json'), 'utf8'));
const outcomes = {};
const within = (promise) => Promise.race([promise, new Promise((resolve, reject) => setTimeout(reject, 2000, Object.assign(new Error(), { code: 'NO_ANSWER' })))]);
const attempt = async (name, action) => {
  try {
    outcomes[name] = 'open: ' + JSON.stringify((await within(Promise.resolve(action()))) ?? null);
  } catch (error) {
    const { code = error.name } = error.cause ?? error;
    outcomes[name] = 'stopped: ' + code;
  }
};
const done = (socket) => new Promise((resolve, reject) => {
  socket.on('connect', () => resolve('connected to ' + (socket.socket ?? socket).remoteAddress)).on('error', reject);
  socket.on('close', () => reject(Object.assign(new Error(), { code: 'CLOSED' })));
});
const answered = (request) => new Promise((resolve, reject) => request.on('response', () => resolve('answered')).on('error', reject).end());
const HOST = '127.0.0.1';
const OUTSIDE = '203.0.113.9';
// the first answers are harmless, later ones are not
const turning = (options, name, later, after = 1) => {
  let reads = 0;
  return new Proxy(options, { get: (target, key) => (key === name && reads++ >= after ? later : target[key]) });
};
const word = (first, later) => {
  let reads = 0;
  return { toString: () => (reads++ === 0 ? first : later), [Symbol.toPrimitive]: () => (reads++ === 0 ? first : later) };
};

for (const after of [1, 2, 3, 4, 5, 6]) {
  await attempt('proxy, host turns after ' + after, () => done(net.connect(turning({ host: OUTSIDE, port, timeout: 50 }, 'host', HOST, after))));
  await attempt('proxy, path turns after ' + after, () => done(net.connect(turning({ port, host: HOST }, 'path', unix, after))));
}
await attempt('proxy as tls options', () => done(tls.connect(turning({ host: OUTSIDE, port }, 'host', HOST))));
await attempt('proxy as normalised arguments', () => {
  const { constructor: Socket } = new net.Socket();
  const symbols = Object.getOwnPropertySymbols(net._normalizeArgs([{}]));
  const given = [turning({ host: OUTSIDE, port }, 'host', HOST), null];
  for (const symbol of symbols) given[symbol] = true;
  return done(new Socket().connect(given));
});
await attempt('getter as host', () => { let reads = 0; return done(net.connect({ get host() { return reads++ ? HOST : OUTSIDE; }, port })); });
await attempt('inherited host', () => done(net.connect(Object.create({ host: HOST, port }))));
await attempt('host with two faces', () => done(net.connect({ host: word(OUTSIDE, HOST), port })));
await attempt('own lookup', () => done(net.connect({ host: 'name.invalid', port, lookup: (name, options, callback) => callback(null, options.all ? [{ address: HOST, family: 4 }] : HOST, 4) })));
await attempt('own lookup, http', () => answered(http.request({ host: 'name.invalid', port, lookup: (name, options, callback) => callback(null, options.all ? [{ address: HOST, family: 4 }] : HOST, 4) })));
await attempt('own lookup, https', () => answered(https.request({ host: 'name.invalid', port, lookup: (name, options, callback) => callback(null, [{ address: HOST, family: 4 }]) })));
await attempt('dns.lookup replaced', () => { dns.lookup = (name, options, callback) => callback(null, [{ address: HOST, family: 4 }]); return done(net.connect({ host: 'name.invalid', port })); });
await attempt('http2', () => new Promise((resolve, reject) => { const session = http2.connect('http://' + HOST + ':' + port).on('error', reject); session.request({ ':path': '/' }).on('response', resolve).on('error', reject); }));
await attempt('http with a connection of its own', () => answered(http.request({ host: OUTSIDE, port, createConnection: () => net.connect({ host: HOST, port }) })));
await attempt('fetch', async () => (await fetch('http://' + HOST + ':' + port)).status);
await attempt('websocket', () => new Promise((resolve, reject) => { const ws = new WebSocket('ws://' + HOST + ':' + port); ws.onopen = resolve; ws.onerror = () => reject(Object.assign(new Error(), { code: 'REFUSED' })); }));
await attempt('proxy by environment', () => { process.env.HTTP_PROXY = process.env.http_proxy = 'http://' + HOST + ':' + port; process.env.NODE_USE_ENV_PROXY = '1'; http.setGlobalProxyFromEnv?.(); return answered(http.request('http://example.com/')); });
for (const host of ['::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::7f00:1', '2002:7f00:1::', '::', '0.0.0.0', '0', '127.1', '0x7f.1', '2130706433', 'localhost', 'localhost.', 'LOCALHOST', 'fe80::1%lo', '169.254.169.254', '[::1]'])
  await attempt('address ' + host, () => done(net.connect({ host, port, timeout: 500 })));
await attempt('own address', () => done(net.connect({ host: HOST, port, localAddress: '127.0.0.2' })));
await attempt('descriptor', () => done(new net.Socket({ fd: 3 }).connect(port, HOST)));
await attempt('vm', () => done(vm.runInNewContext('net.connect({ host, port })', { net, host: HOST, port })));
await attempt('required', () => done(createRequire(import.meta.url)('net').Socket.prototype.connect.call(new net.Socket(), { host: HOST, port })));
await attempt('pipe', () => done(net.connect(unix)));
await attempt('pipe, abstract', () => done(net.connect({ path: abstract })));
await attempt('pipe by http', () => answered(http.request({ socketPath: unix })));

// below the API
const wraps = new Set();
const hook = async_hooks.createHook({ init: (id, type, trigger, resource) => wraps.add(resource) }).enable();
const seed = net.connect({ host: OUTSIDE, port: 9 }).on('error', () => {});
// the request is made a moment later
await new Promise((resolve) => setTimeout(resolve, 100));
hook.disable();
const TCP = seed._handle?.constructor;
const Request = [...wraps].find((wrap) => wrap?.constructor?.name === 'TCPConnectWrap')?.constructor ?? class {};
const native = (make) => new Promise((resolve, reject) => {
  const handle = new TCP(0);
  const made = {};
  const request = new Request();
  request.oncomplete = (status) => (status === 0 ? handle.getpeername(made) || resolve('connected to ' + made.address) : reject(Object.assign(new Error(), { code: 'E' + status })));
  const status = make(handle, request);
  if (status !== 0) reject(Object.assign(new Error(), { code: 'E' + status }));
});
outcomes['control: native handles'] = String(typeof TCP) + ' ' + Request.name;
await attempt('native connect', () => native((handle, request) => handle.connect(request, HOST, port)));
await attempt('native connect, two faces', () => native((handle, request) => handle.connect(request, word(OUTSIDE, HOST), port)));
await attempt('native connect6', () => native((handle, request) => handle.connect6(request, '::ffff:127.0.0.1', port)));
await attempt('native connect, restored', () => native((handle, request) => { try { delete TCP.prototype.connect; } catch {} return Object.getOwnPropertyDescriptor(TCP.prototype, 'connect').get().call(handle, request, HOST, port); }));
await attempt('native bind', () => { const handle = new TCP(1); const status = handle.bind(HOST, 0) || handle.listen(1); if (status !== 0) throw Object.assign(new Error(), { code: 'E' + status }); });
await attempt('_createServerHandle', () => { const made = net._createServerHandle(HOST, 0, 4); if (typeof made === 'number') throw Object.assign(new Error(), { code: 'E' + made }); });
await attempt('bound socket', () => new net.BoundSocket({ host: HOST, port: 0 }).address().port);
await attempt('_listen2', () => new Promise((resolve, reject) => { const server = new net.Server().on('error', reject).on('listening', resolve); server._listen2(HOST, 0, 4, 1); }));
await attempt('http listen', () => new Promise((resolve, reject) => http.createServer().on('error', reject).listen(0, resolve)));
await attempt('datagram, connected', () => new Promise((resolve, reject) => { const socket = new dgram.Socket('udp4').on('error', reject); socket.connect(udp, HOST, () => socket.send('x', resolve)); }));
await attempt('datagram, native', () => {
  const socket = new dgram.Socket('udp4');
  const { handle } = Object.getOwnPropertySymbols(socket).map((symbol) => socket[symbol]).find((value) => value?.handle);
  const status = handle.connect(HOST, udp) || handle.bind('0.0.0.0', 0, 0);
  if (status !== 0) throw Object.assign(new Error(), { code: 'E' + status });
});
await attempt('name servers', () => dns.setServers([HOST + ':' + udp]));
for (const Resolver of [dns.Resolver, dns.promises.Resolver]) {
  await attempt('name servers of a resolver', () => { const resolver = new Resolver(); resolver.setServers([HOST + ':' + udp]); return new Promise((resolve) => resolver.resolve4('name.invalid', resolve)); });
  await attempt('name servers, native', () => new Resolver()._handle.setServers([[4, HOST, udp]]));
}
for (const [name, query] of Object.entries({ resolve4: 'name.test', resolveTxt: 'secret.name.test', resolveSrv: '_x._tcp.name.test', resolve: 'name.test', resolveAny: 'name.test', reverse: HOST })) {
  await attempt('dns.' + name, () => new Promise((resolve, reject) => dns[name](query, (error, found) => (error ? reject(error) : resolve(found)))));
  await attempt('dns.promises.' + name, () => dns.promises[name](query));
  for (const Resolver of [dns.Resolver, dns.promises.Resolver]) await attempt('resolver of its own, ' + name, () => new Promise((resolve, reject) => new Resolver()[name](query, resolve)?.then(resolve, reject)));
}
for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(new dns.Resolver()._handle)).filter((one) => /^query|^getHost/.test(one)))
  await attempt('native ' + name, () => new dns.Resolver()._handle[name]({}, 'name.test'));
await attempt('name of an address', () => dns.promises.lookupService(HOST, 22));
for (const name of ['localhost', 'metadata.google.internal', '169.254.169.254', HOST, '::1', word('name.test', 'localhost')]) {
  await attempt('lookup of ' + name, () => new Promise((resolve, reject) => dns.lookup(name, (error, address) => (error ? reject(error) : resolve(address)))));
  await attempt('lookup of all of ' + name, () => dns.promises.lookup(name, { all: true }));
  await attempt('lookup by promisify of ' + name, () => util.promisify(dns.lookup)(name));
}
await attempt('trace file', () => { const tracing = traceEvents.createTracing({ categories: ['node'] }); tracing.enable(); });
await attempt('exec', () => process.execve(process.execPath, ['node', '-v']));

// with everything that a check might call replaced
for (const name of ['isIP', 'isIPv4', 'isIPv6']) try { net[name] = () => 0; } catch {}
for (const target of [net.BlockList.prototype, net.SocketAddress])
  for (const name of ['check', 'isSocketAddress', 'parse']) try { target[name] = () => false; } catch {}
try {
  const ipaddr = createRequire(import.meta.url)('ipaddr.js');
  ipaddr.isValid = () => false;
  ipaddr.process = () => ipaddr.IPv4.parse('8.8.8.8');
} catch {}
const replaced = [[Reflect, 'apply', () => 0], [Set.prototype, 'has', () => false], [URL, 'canParse', () => true], [RegExp.prototype, 'test', () => false], [Array.prototype, 'find', () => undefined], [String.prototype, 'endsWith', () => false]]
  .map(([target, name, value]) => { const real = target[name]; target[name] = value; return () => { target[name] = real; }; });
await attempt('checks replaced', () => done(net.connect({ host: HOST, port })));
await attempt('checks replaced, native', () => native((handle, request) => handle.connect(request, HOST, port)));
for (const restore of replaced) restore();
outcomes['control: lookup'] = JSON.stringify([await dns.promises.lookup(OUTSIDE), await dns.promises.lookup(OUTSIDE, { all: true }), await util.promisify(dns.lookup)(OUTSIDE)]);
outcomes['control: outside'] = await new Promise((resolve) => net.connect({ host: OUTSIDE, port: 9, timeout: 300 }).on('error', (error) => resolve(error.code)).on('timeout', () => resolve('TIMEOUT')).on('connect', () => resolve('CONNECTED')));
`;

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
    // spelled, because credentials are taken out of what it says
    throw new StorageError('FAILED', { detail: seen.map((text) => [...text].join(' ')).join(' and ') });
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
    'NODE_USE_SYSTEM_CA',
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
    assert.equal(step.message, `The storage returned an error. ${[...expected].join(' ')}`);
  }
  const { processes } = (await api.get('/plugins/spy')).body.data;
  assert.deepEqual(processes.map((one: { app: string | null }) => one.app).sort(), ['live', 'victim', null].sort());
});

/** One entry of an archive, with nothing checked. */
function entry(
  name: string,
  type: 'File' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'FIFO',
  more: { size?: number; linkpath?: string } = {},
) {
  const header = new Header({ path: name, type, mode: 0o4755, size: 0, ...more });
  const block = Buffer.alloc(512);
  header.encode(block);
  return Buffer.concat([block, Buffer.alloc(Math.ceil((more.size ?? 0) / 512) * 512)]);
}

/** Archives that would write outside, fill the disk or the memory, or contain other things than files; each with its error. */
const ARCHIVES: Record<string, { parts: () => Buffer[]; code: RegExp }> = {
  climbs: {
    parts: () => [entry('package/../../../evil.js', 'File')],
    code: /not a path that a packed plugin can contain/,
  },
  'climbs from the root': {
    parts: () => [entry('/tmp/evil.js', 'File')],
    code: /not a path that a packed plugin can contain/,
  },
  'hides a file': {
    parts: () => [entry('package/.npmrc', 'File')],
    code: /not a path that a packed plugin can contain/,
  },
  'has two tops': {
    parts: () => [entry('package/a.js', 'File'), entry('other/b.js', 'File')],
    code: /not a path that a packed plugin can contain/,
  },
  'links outside': {
    parts: () => [entry('package/a', 'SymbolicLink', { linkpath: '/etc' }), entry('package/a/evil', 'File')],
    code: /link or a device/,
  },
  'links hard': { parts: () => [entry('package/a', 'Link', { linkpath: '/etc/passwd' })], code: /link or a device/ },
  'has a device': { parts: () => [entry('package/a', 'CharacterDevice')], code: /link or a device/ },
  'has a pipe': { parts: () => [entry('package/a', 'FIFO')], code: /link or a device/ },
  'has many files': {
    parts: () => Array.from({ length: 1001 }, (_, n) => entry(`package/${n}.js`, 'File')),
    code: /more than 1000 files/,
  },
  'is a bomb': { parts: () => [entry('package/a.js', 'File', { size: 40_000_000 })], code: /more than 33554432 bytes/ },
  'is a bomb behind its end': {
    parts: () => [entry('package/a.js', 'File'), Buffer.alloc(60_000_000)],
    code: /more than 33554432 bytes/,
  },
  'ends early': {
    parts: () => [entry('package/a.js', 'File', { size: 4096 }).subarray(0, 1024)],
    code: /cannot be unpacked/,
  },
};

test('a plugin whose folder or archive leads out of itself is not loaded', async (t) => {
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

  const before = (await readdir(path.join(daemon.dataDir, 'plugins'))).sort();
  for (const [name, { parts, code }] of Object.entries(ARCHIVES)) {
    const archive = gzipSync(Buffer.concat([...parts(), Buffer.alloc(1024)]), { level: 1 });
    const refused = await upload(daemon.api, archive);
    assert.deepEqual([refused.status, refused.body.code], [422, 'PLUGIN_INVALID'], `${name}: ${refused.text}`);
    assert.match(refused.body.message, code, name);
    assert.ok(!refused.text.includes(daemon.dataDir), 'no path of the machine');
  }
  assert.deepEqual((await readdir(path.join(daemon.dataDir, 'plugins'))).sort(), before);
});

for (const sandbox of ['auto', 'off'])
  test(`a plugin reaches no private address and no socket of the machine by any trick (sandbox ${sandbox})`, async (t) => {
    const contacts: string[] = [];
    const listening = async (what: string, where: net.ListenOptions): Promise<net.Server> => {
      const server = net.createServer((socket) => {
        contacts.push(what);
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
      });
      server.listen(where);
      await once(server, 'listening');
      t.after(() => server.close());
      return server;
    };
    const daemon = await testDaemon(t, {
      STREAMHUB_DENY_PRIVATE_ENDPOINTS: 'true',
      STREAMHUB_PLUGIN_SANDBOX: sandbox,
      STREAMHUB_PLUGIN_LOAD_S: '120',
    });
    const unix = path.join(daemon.dataDir, 'socket');
    const abstract = `\0streamhub-${process.pid}-${sandbox}`;
    const tcp = await listening('TCP', { port: 0, host: '0.0.0.0' });
    await listening('a socket', { path: unix });
    if (process.platform === 'linux') await listening('an abstract socket', { path: abstract });
    const udp = dgram.createSocket('udp4').on('message', () => contacts.push('a datagram'));
    t.after(() => udp.close());
    udp.bind(0, '127.0.0.1');
    await once(udp, 'listening');
    const where = { port: (tcp.address() as net.AddressInfo).port, udp: udp.address().port, unix, abstract };
    // what it must not reach can be reached
    for (const options of [{ port: where.port, host: '127.0.0.1' }, { path: unix }]) {
      const socket = net.connect(options as net.NetConnectOpts);
      await once(socket, 'connect');
      socket.resume();
      await once(socket, 'close');
    }
    assert.deepEqual(contacts.splice(0), ['TCP', 'a socket']);

    const parts = `settings: Type.Object({}, { description: JSON.stringify(outcomes) }), open: () => { throw new StorageError('FAILED'); },`;
    await installPlugin(daemon.dataDir, 'digger', providerCode('digger', parts, DIGGER), {
      files: { 'where.json': JSON.stringify(where) },
    });
    await daemon.api.post('/plugins/reload');
    const form = (await daemon.api.get('/storage/providers')).body.data.find(
      (one: { id: string }) => one.id === 'digger',
    );
    assert.ok(form, (await daemon.api.get('/plugins/digger')).body.data.reason);
    const outcomes: Record<string, string> = JSON.parse(form.settings.description);
    assert.equal(outcomes['control: native handles'], 'function TCPConnectWrap');
    assert.notEqual(outcomes['control: outside'], 'EACCES');
    const found = { address: '203.0.113.9', family: 4 };
    assert.deepEqual(JSON.parse(outcomes['control: lookup'] ?? ''), [found, [found], found]);
    const tried = Object.entries(outcomes).filter(([name]) => !name.startsWith('control'));
    assert.ok(tried.length > 60);
    assert.deepEqual(
      tried.filter(
        ([, outcome]) =>
          outcome !== 'open: "connected to 203.0.113.9"' &&
          !/^stopped: (?!TypeError|ReferenceError|SyntaxError)/.test(outcome),
      ),
      [],
    );
    assert.deepEqual(contacts, []);
  });
