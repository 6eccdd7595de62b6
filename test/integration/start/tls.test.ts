// The daemon's own HTTPS listener: TLS_CERT and TLS_KEY.
import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import tls from 'node:tls';
import { addressOf, targetOf } from '#daemon/cli/remote/connection.ts';
import { Daemon } from '#daemon/cli/remote/daemon.ts';
import { lightFetch } from '#daemon/cli/remote/light-fetch.ts';
import { instanceId } from '#daemon/edge/instance.ts';
import { MasterClient } from '#daemon/edge/master-client.ts';
import { trustSystemAuthorities } from '#daemon/platform/net/trust.ts';
import { loadSettings } from '#daemon/platform/settings.ts';
import { SettingsError } from '#daemon/platform/settings-error.ts';
import { DaemonProcess } from '#desktop/main/local-daemon/daemon-process.ts';
import { createApp } from '#shared/contract/apps.ts';
import { makeCertificate, type TestCertificate } from '#test/helpers/certificates.ts';
import { blockScope, sharedDaemon, type TestDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { until } from '#test/helpers/until.ts';

const CLUSTER_TOKEN = 'clt_0123456789abcdef';

const scope = blockScope();
const folder = await temporaryDir(scope);
const TLS_CERT = path.join(folder, 'cert.pem');
const TLS_KEY = path.join(folder, 'key.pem');
const authority = await makeCertificate('Internal authority', { authority: true });
const first = await makeCertificate('daemon', { signedBy: authority });
await writeFile(path.join(folder, 'ca.pem'), authority.cert);
// as the system's authorities, for everything in this process
trustSystemAuthorities(path.join(folder, 'ca.pem'));

/** In the order of a tool that renews certificates. */
async function put({ cert, key }: Pick<TestCertificate, 'cert' | 'key'>): Promise<void> {
  await writeFile(TLS_KEY, key, { mode: 0o600 });
  await writeFile(TLS_CERT, cert);
}

/** What the port answers to a client hello. */
function handshake(daemon: TestDaemon, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<tls.TLSSocket>();
  const port = Number(new URL(daemon.url).port);
  const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  socket.once('secureConnect', () => resolve(socket));
  socket.once('error', reject);
  scope.after(() => socket.destroy());
  return promise;
}

async function fingerprint(daemon: TestDaemon): Promise<string> {
  const socket = await handshake(daemon);
  const found = socket.getPeerCertificate().fingerprint256;
  socket.destroy();
  return found;
}

const warnings = async (daemon: TestDaemon, code: string): Promise<string[]> =>
  daemon.services.warnings
    .list()
    .filter((warning) => warning.code === code)
    .map(({ message }) => message);

test('one file without the other, and a pair that can’t be used, stop the start with the setting’s name', async (t) => {
  for (const [name, missing] of [
    ['TLS_CERT', 'TLS_KEY'],
    ['TLS_KEY', 'TLS_CERT'],
  ] as const)
    assert.throws(
      () => loadSettings({ env: { [name]: '/etc/x.pem', DATA_DIR: folder } }),
      (error) => error instanceof SettingsError && error.message.startsWith(`${missing} is missing`),
    );
  const other = await makeCertificate('another');
  for (const [pair, message] of [
    [{ cert: first.cert, key: other.key }, /TLS_KEY: the key does not belong to the first certificate of TLS_CERT/],
    [{ cert: 'nothing', key: first.key }, /TLS_CERT: the file contains no certificate/],
    [{ cert: first.cert, key: 'nothing' }, /TLS_KEY: the file contains no private key/],
  ] as const) {
    await put(pair);
    await assert.rejects(testDaemon(t, { TLS_CERT, TLS_KEY }), message);
  }
  await assert.rejects(
    testDaemon(t, { TLS_CERT: path.join(folder, 'none'), TLS_KEY }),
    /TLS_CERT: the file does not exist/,
  );
});

describe('a daemon with TLS_CERT and TLS_KEY', () => {
  before(() => put(first));
  const daemon = sharedDaemon({
    TLS_CERT,
    TLS_KEY,
    STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN,
    STREAMHUB_HSTS_SECONDS: '3600',
  });

  test('the API, with links, header and cookie of HTTPS', async () => {
    assert.match(daemon.url, /^https:\/\/127\.0\.0\.1:/);
    const health = await daemon.api.get('/health');
    assert.equal(health.status, 200);
    assert.equal(health.headers.get('strict-transport-security'), 'max-age=3600');
    const { body } = await daemon.api.get('/cluster/info');
    assert.ok(body.data.joinCommand.includes(`${daemon.url}/install.sh`), body.data.joinCommand);
    const signedIn = await daemon.api.post('/auth/browser-session', { keep: true }, { origin: daemon.url });
    assert.match(signedIn.headers.get('set-cookie') ?? signedIn.text, /^__Host-streamhub-.*; Secure/);
  });

  test('TLS 1.2 and 1.3, HTTP/1.1, and plain HTTP is no request', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await handshake(daemon, {
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ['h2', 'http/1.1'],
      });
      assert.equal(socket.getProtocol(), version);
      assert.equal(socket.alpnProtocol, 'http/1.1');
    }
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await assert.rejects(handshake(daemon, old), /alert protocol version|unsupported protocol/);
    await assert.rejects(fetch(daemon.url.replace('https:', 'http:')));
    assert.equal((await daemon.api.get('/health')).status, 200);
  });

  test('an edge node joins and reports', async () => {
    const instance = instanceId();
    const joined = await new MasterClient(daemon.url, CLUSTER_TOKEN)
      .join({ name: 'edge', ip: '192.0.2.7', instance })
      .catch((error) => error);
    assert.ok(joined.nodeId, String(joined));
    await new MasterClient(daemon.url, joined.nodeToken).leave(joined.nodeId, instance);
  });

  test('programs of this machine find it, whatever name its certificate is for', async () => {
    process.env['STREAMHUB_TOKEN'] = daemon.token;
    scope.after(() => delete process.env['STREAMHUB_TOKEN']);
    const renewed = await makeCertificate('public', { names: ['stream.example.com'] });
    const events = await readEvents(scope as never, daemon.url, daemon.token);
    await events.next('hello');
    const kept = await handshake(daemon);
    await put(renewed);
    await until('the new certificate is in use', async () => {
      daemon.services.background.runAll();
      return (await fingerprint(daemon)) === renewed.fingerprint;
    });
    assert.equal(await addressOf({ dataDir: daemon.dataDir }), daemon.url);
    const client = new Daemon(await targetOf({ dataDir: daemon.dataDir }), new AbortController().signal);
    const refused = lightFetch({ fingerprint: first.fingerprint })(`${daemon.url}/api/v1/health`, {
      signal: new AbortController().signal,
    });
    await assert.rejects(refused, /certificate is not the one in data\/daemon\.json/);
    const ended = lightFetch({ fingerprint: renewed.fingerprint })(`${daemon.url}/api/v1/health`, {
      signal: AbortSignal.abort(),
    });
    await assert.rejects(ended, { name: 'AbortError' });
    const desktop = new DaemonProcess({ dataDir: daemon.dataDir, env: {}, startMs: 0, stopMs: 0, onFall: () => {} });
    assert.equal((await desktop.find())?.url, daemon.url);
    // the stream that was open before still gets its events, and the silent connection an answer
    await client.call(createApp, { body: { name: 'heard' } });
    await events.next('app.created');
    kept.write('GET /api/v1/health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    let answer = '';
    for await (const chunk of kept) answer += chunk;
    assert.match(answer, /^HTTP\/1\.1 200/);
    events.close();
  });

  test('a new pair that can’t be used leaves the old one, and is told until it is mended', async () => {
    const before = await fingerprint(daemon);
    const next = await makeCertificate('next', { signedBy: authority, validTo: new Date(Date.now() + 5 * 86_400_000) });
    const told = () => warnings(daemon, 'TLS_FILES_UNUSABLE');
    await put({ cert: next.cert, key: authority.key });
    await until('the warning', async () => {
      daemon.services.background.runAll();
      return (await told()).length === 1;
    });
    assert.match((await told()).join(), /TLS_KEY: the key does not belong.*still uses the certificate/);
    assert.equal(await fingerprint(daemon), before);
    await put(next);
    await until('the warning is gone', async () => {
      daemon.services.background.runAll();
      return (await told()).length === 0;
    });
    assert.equal(await fingerprint(daemon), next.fingerprint);
    const mode = () => warnings(daemon, 'TLS_KEY_READABLE');
    assert.deepEqual(await mode(), []);
    await chmod(TLS_KEY, 0o644);
    await until('the warning of the mode', async () => {
      daemon.services.background.runAll();
      return (await mode()).some((message) => message.includes('chmod 600'));
    });
  });

  test('its end is an incident', async () => {
    const incident = () =>
      until('the incident', async () => {
        const { body } = await daemon.api.get('/incidents?state=open');
        return body.data.find(({ condition }: any) => condition === 'certificate-ending');
      });
    assert.match((await incident()).text, /^The certificate of this daemon \(TLS_CERT\) ends in \d days?$/);
  });
});
