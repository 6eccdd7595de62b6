// An internal certificate authority and a forward proxy, as the daemon's real process meets them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { before, describe } from 'node:test';
import { promisify } from 'node:util';
import type { ClusterNode } from '#shared/schema/cluster.ts';
import { giveBucket } from '#test/helpers/bucket.ts';
import { type CallbackReceiver, callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { makeCertificate, type TestCertificate, type TlsFront, tlsFront } from '#test/helpers/certificates.ts';
import { blockScope, type Client, daemonProcess, ROOT, temporaryDir } from '#test/helpers/daemon.ts';
import { bundleAgent, edgeFlags, endNode } from '#test/helpers/edge-node.ts';
import { type LivekitServer, startLivekit } from '#test/helpers/livekit.ts';
import { installPlugin } from '#test/helpers/plugins.ts';
import { forwardProxy } from '#test/helpers/proxies.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';
import { until } from '#test/helpers/until.ts';

const run = promisify(execFile);
const scope = blockScope();

const livekit = startLivekit(scope);
const s3 = startS3Server();
if (typeof s3 !== 'string') scope.after(() => s3.stop());
const skip = typeof livekit === 'string' ? livekit : typeof s3 === 'string' ? s3 : false;

/** A plugin whose storage speaks S3, and which tells what it reaches in other ways. */
const COURIER = `
import http from 'node:http';
import https from 'node:https';
import { definePlugin, defineStorageProvider } from 'streamhub/plugin-sdk';
import { openS3, s3Credentials, s3Settings } from 'streamhub/plugin-sdk/s3';

const relay = new URL(process.env.HTTPS_PROXY);
const authorization = 'Basic ' + Buffer.from(relay.username + ':' + relay.password).toString('base64');
const status = (request) => new Promise((resolve) => {
  for (const event of ['response', 'connect']) request.on(event, ({ statusCode }, socket) => { socket?.destroy(); resolve(statusCode); });
  request.on('error', (error) => resolve(error.code)).end();
});
const connect = (path, headers = { 'proxy-authorization': authorization }) =>
  status(http.request({ host: relay.hostname, port: relay.port, method: 'CONNECT', path, headers, agent: false }));
const outcomes = {
  fetch: await fetch('https://livekit.test/').then(({ status }) => status, ({ cause }) => String(cause)),
  https: await status(https.request('https://livekit.test/')),
  metadata: await fetch('http://169.254.169.254/').then(({ status }) => status, () => 'refused'),
  'metadata by the relay': await connect('169.254.169.254:80'),
  'metadata by name': await connect('metadata.google.internal:80'),
  'the relay without its word': await connect('callbacks.test:443', {}),
  'the proxy’s password': (JSON.stringify(process.env) + process.argv).includes('pass@'),
};
export default definePlugin({ storageProviders: [defineStorageProvider({
  id: 'courier',
  settings: s3Settings({ forcePathStyle: { default: true }, region: { description: JSON.stringify(outcomes) } }),
  credentials: s3Credentials,
  capabilities: { bulkDelete: true, presign: true, versions: true, multipart: true },
  maxDeleteBatch: 1000,
  endpoint: ({ endpoint }) => endpoint,
  open: openS3,
})] });
`;

describe('what the daemon asks of others', { skip }, () => {
  let authorityFile: string;
  let receiver: CallbackReceiver;
  let fronts: Record<'callbacks' | 'storage' | 'livekit', TlsFront>;

  before(async () => {
    if (typeof livekit === 'string' || typeof s3 === 'string') return;
    const authority = await makeCertificate('Internal authority', { authority: true });
    authorityFile = path.join(await temporaryDir(scope), 'ca.pem');
    writeFileSync(authorityFile, authority.cert);
    const certificate = (names?: string[]): Promise<TestCertificate> =>
      makeCertificate('server', { signedBy: authority, ...(names ? { names } : {}) });
    receiver = await callbackReceiver(scope);
    const own = await certificate();
    fronts = {
      callbacks: await tlsFront(scope, receiver.url, own),
      storage: await tlsFront(scope, s3.endpoint, own),
      livekit: await tlsFront(scope, livekit.env['LIVEKIT_URL']?.replace(/^ws/, 'http') ?? '', own),
    };
    useNames = async () => {
      const named = await certificate(['callbacks.test', 'storage.test', 'livekit.test']);
      for (const front of Object.values(fronts)) front.use(named);
    };
  });
  let useNames: () => Promise<void>;

  /** The daemon as a process, with an app whose storage and callback are at the given addresses. */
  const daemonWith = async (
    t: { after(fn: () => unknown): void },
    env: Record<string, string>,
    urls: { callbacks: string; storage: string; livekit: string },
    dataDir?: string,
  ): Promise<Client> => {
    if (typeof livekit === 'string' || typeof s3 === 'string') throw new Error('skipped');
    const daemon = await daemonProcess(t, dataDir ?? (await temporaryDir(t)), {
      ...livekit.env,
      LIVEKIT_URL: urls.livekit,
      STREAMHUB_CLUSTER_TOKEN: 'clt_0123456789abcdef',
      ...env,
    });
    assert.equal((await daemon.api.post('/apps', { name: 'outbound' })).status, 201);
    await giveBucket(daemon.api, 'outbound', s3, { endpoint: urls.storage });
    const put = await daemon.api.patch('/apps/outbound', { callbackUrl: urls.callbacks });
    assert.equal(put.status, 200, put.text);
    return daemon.api;
  };
  const reachesAll = async (api: Client): Promise<void> => {
    const storage = await api.post('/apps/outbound/s3/test');
    assert.equal(storage.body.data?.ok ?? storage.body.ok, true, storage.text);
    const before = receiver.received.length;
    const callback = await api.post('/apps/outbound/callbacks/test');
    assert.equal(callback.status, 202, callback.text);
    await until('the callback arrives', () => receiver.received.length > before);
    await until('LiveKit is reached', async () => (await api.get('/stats')).body.livekitReachable === true);
  };

  test('an authority that the system trusts is trusted by LiveKit’s client, callbacks and storage threads', async (t) => {
    const urls = {
      callbacks: `${fronts.callbacks.url}/hook`,
      storage: fronts.storage.url,
      livekit: fronts.livekit.url.replace('https', 'wss'),
    };
    await reachesAll(await daemonWith(t, { SSL_CERT_FILE: authorityFile }, urls));
  });

  test('without it each failure speaks of the certificate and of what to do', async (t) => {
    const urls = {
      callbacks: `${fronts.callbacks.url}/hook`,
      storage: fronts.storage.url,
      livekit: fronts.livekit.url.replace('https', 'wss'),
    };
    const api = await daemonWith(t, {}, urls);
    assert.match((await api.post('/apps/outbound/s3/test')).text, /certificate authority to this machine/);
    const { id } = (await api.post('/apps/outbound/callbacks/test')).body.data;
    await until('the delivery fails', async () =>
      /does not trust \(add it to the system/.test((await api.get(`/apps/outbound/callbacks/deliveries/${id}`)).text),
    );
    assert.match((await api.get('/system/livekit')).text, /does not trust/);
  });

  test('a join with --ca and --proxy ends with a living node; without them the line says what is missing', async (t) => {
    const { env, redisUrl } = livekit as LivekitServer;
    const cluster = { STREAMHUB_CLUSTER_TOKEN: 'clt_0123456789abcdef', STREAMHUB_CLUSTER_REDIS_URL: redisUrl };
    const daemon = await daemonProcess(t, await temporaryDir(t), { ...env, ...cluster });
    const authority = await makeCertificate('Another authority', { authority: true });
    const front = await tlsFront(t, daemon.url, await makeCertificate('daemon', { signedBy: authority }));
    const home = mkdtempSync(path.join(os.tmpdir(), 'streamhub-outbound-'));
    const prefix = path.join(home, 'node');
    t.after(() => endNode(prefix, home));
    const ca = path.join(home, 'ca.pem');
    writeFileSync(ca, authority.cert);
    const bundle = await bundleAgent(t);
    const { flags } = await edgeFlags(prefix, 'n');
    const runs = (program: string, words: string[], more: Record<string, string>): Promise<string> =>
      run(program, words, { env: { PATH: `${path.dirname(process.execPath)}:${process.env['PATH']}`, ...more } }).then(
        ({ stdout }) => stdout,
        (error) => error.stderr,
      );
    const wrong = { STREAMHUB_JOIN_CODE: 'shj_wrong' };
    const join = (more: string[]) =>
      runs(process.execPath, [bundle, 'install', '--master-url', front.url, ...flags, ...more], wrong);
    assert.match(await join([]), /certificate is from an authority that this machine does not trust/);
    assert.match(await join(['--ca', ca]), /This join code is unknown/);
    // a name that only the proxy knows
    const asked: string[] = [];
    const proxy = await forwardProxy(t, ({ url = '' }) => {
      asked.push(url);
      return front.port;
    });
    front.use(await makeCertificate('daemon', { signedBy: authority, names: ['daemon.test'] }));
    const behind = ['--ca', ca, '--proxy', proxy, '--master-url', 'https://daemon.test'];
    assert.match(await join(behind), /This join code is unknown/);
    assert.deepEqual(asked, ['daemon.test:443']);

    // the whole script, and after it the agent and LiveKit without the variables of this shell
    const script = path.join(home, 'install.sh');
    writeFileSync(script, await (await fetch(`${daemon.url}/install.sh`)).text());
    const { code } = (await daemon.api.post('/cluster/join-codes')).body.data;
    const words = [script, '--join', ...flags, ...behind];
    assert.match(await runs('sh', words, { STREAMHUB_JOIN_CODE: code }), /the node is alive/);
    const found = (await daemon.api.get('/cluster/nodes')).body.data.find((one: ClusterNode) => one.name === 'n');
    assert.equal(found.health, 'alive');
    await (livekit as LivekitServer).rooms.createRoom({ name: 'seen', nodeId: found.agent.livekit.nodeId });
    await until('LiveKit’s webhook arrives', () => front.received().includes('POST /api/v1/webhooks/livekit'));
    await (livekit as LivekitServer).rooms.deleteRoom('seen');
    assert.deepEqual([...new Set(asked)], ['daemon.test:443'], 'LiveKit on the node is asked directly');
  });

  test('an install behind a proxy downloads LiveKit’s server through it', async (t) => {
    const folder = await temporaryDir(t);
    const program = path.join(folder, 'livekit-server');
    writeFileSync(program, '#!/bin/sh\necho livekit-server version 1.13.5\n', { mode: 0o755 });
    const archive = path.join(folder, 'archive.tar.gz');
    await run('tar', ['-czf', archive, '-C', folder, 'livekit-server']);
    const bytes = readFileSync(archive);
    const mirror = http.createServer((_request, response) => response.end(bytes)).listen(0, '127.0.0.1');
    await once(mirror, 'listening');
    t.after(() => mirror.close());
    const asked: string[] = [];
    const proxy = await forwardProxy(t, ({ url = '' }) => {
      asked.push(url);
      return (mirror.address() as AddressInfo).port;
    });
    // a separate process, because the proxy applies to all of it; only the proxy knows the name
    const install = `
      import { installBinary, versionOf } from '#daemon/edge/livekit-binary.ts';
      import { applyNetwork } from '#daemon/edge/network.ts';
      applyNetwork({ ca: null, proxy: '${proxy}', noProxy: null });
      const source = { kind: 'release', url: 'http://mirror.test/a.tar.gz', sha256: '${hash('sha256', bytes)}' };
      console.log(await versionOf(await installBinary(source, '${path.join(folder, 'installed')}')));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', install], { cwd: ROOT });
    assert.deepEqual([stdout.trim(), asked], ['1.13.5', ['mirror.test:80']]);
  });

  test('a forward proxy carries what leaves the machine, and the endpoint policy still holds', async (t) => {
    await useNames();
    const asked: string[] = [];
    const proxy = await forwardProxy(t, (request) => {
      asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`);
      const name = /^(\w+)\.test:443$/.exec(request.url ?? '')?.[1] as keyof typeof fronts;
      return name in fronts ? fronts[name].port : undefined;
    });
    const env = {
      SSL_CERT_FILE: authorityFile,
      HTTPS_PROXY: proxy.replace('//', '//us%40er:pass@'),
    };
    const urls = {
      callbacks: 'https://callbacks.test/hook',
      storage: 'https://storage.test',
      livekit: 'wss://livekit.test',
    };
    const dataDir = await temporaryDir(t);
    await installPlugin(dataDir, 'courier', COURIER);
    const api = await daemonWith(t, env, urls, dataDir);
    await reachesAll(api);
    const credentials = `Basic ${Buffer.from('us@er:pass').toString('base64')}`;
    for (const name of Object.keys(fronts)) assert.ok(asked.includes(`${name}.test:443 ${credentials}`), name);

    // a plugin's process reaches the same through the daemon, which knows the proxy's credentials and the endpoint policy
    asked.length = 0;
    const { key, secret, region } = s3 as Exclude<typeof s3, string>;
    const { bucket } = (await api.get('/apps/outbound/s3')).body.data;
    const courier = { provider: 'courier', bucket, key, secret, region, endpoint: urls.storage, forcePathStyle: true };
    const tried = await api.post('/apps/outbound/s3/test', courier);
    assert.equal(tried.status, 200, tried.text + (await api.get('/plugins')).text);
    assert.equal(tried.body.data.steps.find((step: { id: string }) => step.id === 'list')?.state, 'ok', tried.text);
    assert.ok(asked.includes(`storage.test:443 ${credentials}`), 'the agents of the guard');
    const providers = (await api.get('/storage/providers')).body.data as { id: string; settings: any }[];
    const form = providers.find(({ id }) => id === 'courier');
    const outcomes = JSON.parse(form?.settings.properties.region.description ?? '{}');
    assert.deepEqual(outcomes, {
      fetch: 200,
      https: 200,
      metadata: 'refused',
      'metadata by the relay': 403,
      'metadata by name': 403,
      'the relay without its word': 407,
      'the proxy’s password': false,
    });
    assert.ok(asked.includes(`livekit.test:443 ${credentials}`), 'fetch and node:https');

    // this machine's own LiveKit is reached directly; with private addresses forbidden, a name that only the proxy knows is refused
    asked.length = 0;
    const own = (livekit as Exclude<typeof livekit, string>).env['LIVEKIT_URL'] as string;
    const strict = { ...env, STREAMHUB_DENY_PRIVATE_ENDPOINTS: 'true' };
    const strictApi = await daemonWith(t, strict, { ...urls, livekit: own });
    const { id } = (await strictApi.post('/apps/outbound/callbacks/test')).body.data;
    await until('the delivery fails', async () =>
      /cannot be resolved/.test((await strictApi.get(`/apps/outbound/callbacks/deliveries/${id}`)).text),
    );
    await until('LiveKit is reached', async () => (await strictApi.get('/stats')).body.livekitReachable === true);
    // the first daemon still asks its LiveKit
    assert.deepEqual(
      asked.filter((one) => !one.startsWith('livekit.test:')),
      [],
    );
  });
});
