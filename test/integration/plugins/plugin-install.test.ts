import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { parse, parseDocument } from 'yaml';
import { makeCertificate } from '#test/helpers/certificates.ts';
import { BIN, type Client, sharedDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { event, LIVEKIT_KEYS, room, sendWebhook } from '#test/helpers/livekit-webhook.ts';
import { node } from '#test/helpers/plugin-kit.ts';
import { installPlugin, packedPlugin, providerCode, upload } from '#test/helpers/plugins.ts';
import { until } from '#test/helpers/until.ts';

const sumOf = (file: Uint8Array): string => createHash('sha256').update(file).digest('hex');
const version = (number: string) => ({ manifest: { version: number } });
const PRESET =
  'id: evening\ntitle: Evening\ndescription: At night.\nuseCase: Guards.\npatch: { hls: { list_size: 7 } }\n';

const alarmOf = async (api: Client): Promise<{ message: string } | undefined> =>
  ((await api.get('/apps/live')).body.problems ?? []).find(
    (problem: { code: string }) => problem.code === 'STORAGE_PROVIDER_MISSING',
  );

/** The app says that its provider `shelf` is gone. */
async function missingAlarm(api: Client): Promise<void> {
  const alarm = await until('the alarm is there', () => alarmOf(api));
  assert.match(alarm.message, /shelf is not installed.*Nothing is recorded/);
}

/** The rest of the app's config can be changed as before, and its provider stays. */
async function staysUsable(api: Client, list_size: number): Promise<void> {
  const patched = await api.patch('/apps/live/config', { hls: { list_size } });
  assert.equal(patched.status, 200, patched.text);
  assert.equal((await api.get('/apps/live/s3')).body.data.provider, 'shelf');
  assert.equal((await api.put('/apps/live/s3', { provider: 'nope' })).status, 400);
}

describe('plugins are installed, updated, rolled back and removed in a running daemon', () => {
  // nothing of LiveKit is needed but its keys: it is asked after the plugin
  const daemon = sharedDaemon({ LOG_LEVEL: 'error', LIVEKIT_URL: 'ws://127.0.0.1:9', ...LIVEKIT_KEYS });
  const view = async (id: string) => (await daemon.api.get(`/plugins/${id}`)).body.data;
  /** What is beside the plugins for a moment must be gone with the answer. */
  const folders = async () =>
    (await readdir(path.join(daemon.dataDir, 'plugins'))).filter((name) => name !== '.previous').sort();
  const lastAudit = async () => (await daemon.api.get('/audit?limit=1')).body.data[0];

  let one: Buffer;
  let two: Buffer;
  before(async () => {
    one = await packedPlugin('shelf', providerCode('shelf', ''));
    two = await packedPlugin('shelf', providerCode('shelf', ''), version('2.0.0'));
  });

  test('an upload takes part without a restart, and its change is in the audit trail', async () => {
    const made = await upload(daemon.api, one, `/plugins?sha256=${sumOf(one)}`);
    assert.equal(made.status, 201, made.text);
    const { id, state, origin, usedBy, previous } = made.body.data;
    assert.deepEqual([id, state, origin, usedBy, previous], ['shelf', 'running', 'installed', [], null]);
    assert.ok(
      (await daemon.api.get('/storage/providers')).body.data.some((form: { id: string }) => form.id === 'shelf'),
    );
    const entry = await lastAudit();
    assert.deepEqual([entry.action, entry.target], ['plugin.install', 'shelf']);
    assert.deepEqual(entry.after, { version: '1.0.0', from: 'upload', sha256: sumOf(one) });
    assert.deepEqual(await folders(), ['shelf']);

    const again = await upload(daemon.api, two);
    assert.deepEqual([again.status, again.body.code], [409, 'PLUGIN_EXISTS']);
    assert.equal((await view('shelf')).version, '1.0.0');
  });

  test('an update keeps the version before, and a rollback brings it back', async () => {
    const updated = await upload(daemon.api, two, '/plugins/shelf', 'PUT');
    assert.deepEqual([updated.status, updated.body.data.version], [200, '2.0.0'], updated.text);
    assert.deepEqual(updated.body.data.previous, { version: '1.0.0' });
    const back = await daemon.api.post('/plugins/shelf/rollback');
    assert.deepEqual(
      [back.status, back.body.data.version, back.body.data.previous, back.body.data.state],
      [200, '1.0.0', { version: '2.0.0' }, 'running'],
      back.text,
    );
    const entry = await lastAudit();
    assert.deepEqual(
      [entry.action, entry.before, entry.after],
      ['plugin.rollback', { version: '2.0.0' }, { version: '1.0.0' }],
    );
    const other = await packedPlugin('other', providerCode('other', ''));
    const wrong = await upload(daemon.api, other, '/plugins/shelf', 'PUT');
    assert.deepEqual([wrong.status, wrong.body.code], [400, 'PLUGIN_ID_DIFFERS']);
    assert.equal((await upload(daemon.api, other, '/plugins/other', 'PUT')).status, 404);
  });

  test('one that does not work changes nothing, and each problem is named with its cure', async () => {
    const broken = await packedPlugin('shelf', "throw new Error('fell down');", version('3.0.0'));
    const refused = await upload(daemon.api, broken, '/plugins/shelf', 'PUT');
    assert.deepEqual([refused.status, refused.body.code], [422, 'PLUGIN_INVALID']);
    assert.match(refused.body.message, /fell down/);
    assert.match(refused.body.details[0].message, /own tests/);
    const taken = await packedPlugin('second', providerCode('shelf', ''), { providers: ['shelf'] });
    const claims = await upload(daemon.api, taken);
    assert.match(claims.body.message, /the storage provider shelf already belongs to the plugin shelf/);
    const minio = await packedPlugin('third', providerCode('minio', ''), { providers: ['minio'] });
    assert.match((await upload(daemon.api, minio)).body.message, /minio already belongs to the plugin storage-s3/);
    assert.deepEqual([(await view('shelf')).version, (await view('shelf')).state], ['1.0.0', 'running']);
    assert.deepEqual(await folders(), ['shelf']);
  });

  test('the body is a plugin or an address, within its limits', async () => {
    const post = (body: unknown, type: string) => daemon.api.call('POST', '/plugins', body, { 'content-type': type });
    const form = await post('--x\r\n', 'multipart/form-data; boundary=x');
    assert.deepEqual([form.status, form.body.code], [400, 'VALIDATION_FAILED']);
    assert.match(form.body.message, /application\/gzip, or a JSON object with url and sha256/);
    assert.equal((await daemon.api.post('/plugins', { url: 'https://x.example' })).status, 400);
    assert.match((await post('', 'application/gzip')).body.message, /empty file/);
    assert.match((await post('PK\x03\x04', 'application/octet-stream')).body.message, /ZIP file, not a \.tgz/);
    assert.match((await post('hello', 'application/octet-stream')).body.message, /neither a packed plugin/);
    const large = await post(Buffer.alloc(33 * 1024 * 1024), 'application/gzip').catch((error: Error) => error);
    // a client that is still sending may see the end of the connection instead of the answer
    if (!(large instanceof Error)) assert.deepEqual([large.status, large.body.code], [413, 'BODY_TOO_LARGE']);
    const sum = await upload(daemon.api, one, `/plugins?sha256=${'0'.repeat(64)}`);
    assert.deepEqual([sum.status, sum.body.code], [422, 'PLUGIN_CHECKSUM_DIFFERS']);
    assert.deepEqual(await folders(), ['shelf']);
  });

  test('a preset file is a plugin too', async () => {
    const send = (preset: string) =>
      daemon.api.call('POST', '/plugins', preset, { 'content-type': 'application/yaml', 'idempotency-key': 'evening' });
    const made = await send(PRESET);
    assert.deepEqual([made.status, made.body.data.id, made.body.data.state], [201, 'evening', 'verified'], made.text);
    assert.ok((await folders()).includes('evening.yaml'));
    const again = await send(PRESET);
    assert.deepEqual([again.text, again.headers.get('idempotency-replayed')], [made.text, 'true']);
    // as long as the first
    const other = await send(PRESET.replace('evening', 'morning'));
    assert.deepEqual([other.status, other.body.code], [422, 'IDEMPOTENCY_KEY_REUSED']);
    const changed = PRESET.replace('7', '9');
    assert.equal((await upload(daemon.api, changed, '/plugins/evening', 'PUT')).status, 200);
    assert.equal((await daemon.api.post('/plugins/evening/rollback')).status, 200);
    assert.equal(await readFile(path.join(daemon.dataDir, 'plugins/evening.yaml'), 'utf8'), PRESET);
    assert.equal((await daemon.api.delete('/plugins/evening')).status, 204);
    assert.equal((await daemon.api.get('/plugins/evening')).status, 404);
  });

  describe('from an address', () => {
    let server: https.Server;
    let url: string;
    const trusted = tls.getCACertificates('default');
    before(async () => {
      const certificate = await makeCertificate('localhost', { authority: false });
      tls.setDefaultCACertificates([...trusted, certificate.cert]);
      server = https.createServer(certificate, (request, response) => {
        const file: Record<string, () => void> = {
          '/url.tgz': () => response.end(three),
          '/moved': () => response.writeHead(302, { location: '/url.tgz' }).end(),
          '/loop': () => response.writeHead(302, { location: '/loop' }).end(),
          '/plain': () => response.writeHead(302, { location: 'http://127.0.0.1:9/x' }).end(),
          '/metadata': () => response.writeHead(302, { location: 'https://169.254.169.254/x' }).end(),
          '/endless': () => {
            const more = () => response.write(Buffer.alloc(1 << 20)) && setImmediate(more);
            response.on('drain', more);
            more();
          },
        };
        (file[request.url ?? ''] ?? (() => response.writeHead(404).end()))();
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      three = await packedPlugin('from-url', providerCode('from-url', ''));
    });
    let three: Buffer;
    after(() => {
      tls.setDefaultCACertificates(trusted);
      server.closeAllConnections();
      server.close();
    });

    test('it is downloaded, redirects followed, and its checksum compared first', async () => {
      const install = (place: string, sha256 = sumOf(three)) =>
        daemon.api.post('/plugins', { url: url + place, sha256 });
      const wrong = await install('/url.tgz', 'a'.repeat(64));
      assert.deepEqual([wrong.status, wrong.body.code], [422, 'PLUGIN_CHECKSUM_DIFFERS']);
      for (const [place, reason] of [
        ['/missing', /responded with HTTP 404/],
        ['/loop', /redirects more than 5 times/],
        ['/plain', /redirects to an address that must begin with https/],
        ['/metadata', /redirects to an address that is a link-local address/],
      ] as const) {
        const refused = await install(place);
        assert.deepEqual([refused.status, refused.body.code], [502, 'PLUGIN_DOWNLOAD_FAILED'], refused.text);
        assert.match(refused.body.message, reason);
      }
      const endless = await install('/endless');
      assert.deepEqual([endless.status, endless.body.code], [413, 'BODY_TOO_LARGE']);
      for (const [address, reason] of [
        ['http://example.com/x.tgz', /must begin with https/],
        ['https://169.254.169.254/x.tgz', /link-local/],
        ['https://user:pass@example.com/x.tgz', /must not contain a user name/],
        ['file:///etc/passwd', /must begin with http/],
      ] as const) {
        const refused = await daemon.api.post('/plugins', { url: address, sha256: sumOf(three) });
        assert.deepEqual([refused.status, refused.body.details[0].path], [400, 'body.url'], refused.text);
        assert.match(refused.body.message, reason);
      }
      const made = await install('/moved', sumOf(three).toUpperCase());
      assert.deepEqual([made.status, made.body.data.id], [201, 'from-url'], made.text);
      const entry = await lastAudit();
      assert.deepEqual(entry.after.from, new URL(url).host);
      assert.equal((await daemon.api.delete('/plugins/from-url')).status, 204);
    });
  });

  test('the command line manages the plugins of a running daemon', async () => {
    const run = (...args: string[]) =>
      node([BIN, 'plugin', ...args, '--url', daemon.url], daemon.dataDir, { STREAMHUB_TOKEN: daemon.token });
    const file = path.join(daemon.dataDir, 'shelf.tgz');
    await writeFile(file, two);
    assert.match((await run('disable', 'shelf')).out, /Disabled shelf/);
    assert.match((await run('enable', 'shelf')).out, /Enabled shelf/);
    assert.match((await run('update', 'shelf', file)).out, /Updated shelf to 2\.0\.0/);
    assert.match((await run('rollback', 'shelf')).out, /Rolled back shelf/);
    assert.match((await run('list')).out, /^shelf +1\.0\.0 +running/m);
    await writeFile(path.join(daemon.dataDir, 'night.yaml'), PRESET.replace('evening', 'night'));
    const wrong = await run('install', path.join(daemon.dataDir, 'night.yaml'), '--sha256', '0'.repeat(64));
    assert.deepEqual([wrong.status, /was expected/.test(wrong.err)], [1, true], wrong.err);
    const made = await run('install', path.join(daemon.dataDir, 'night.yaml'));
    assert.match(made.out, /^Installed night: verified\.$/m, made.err);
    assert.match((await run('install', file)).err, /already/);
    // an address is loaded by the daemon, which refuses this one
    assert.match((await run('install', 'https://127.0.0.1:9/x.tgz', '--sha256', '0'.repeat(64))).err, /127\.0\.0\.1/);
    const bare = await run('install', 'https://127.0.0.1:9/x.tgz');
    assert.deepEqual([bare.status, /needs --sha256/.test(bare.err)], [2, true], bare.err);
    for (const [name, reason] of Object.entries({
      apps: /is a folder\. streamhub plugin pack/,
      nothing: /does not exist/,
    })) {
      const unread = await run('install', path.join(daemon.dataDir, name));
      assert.deepEqual([unread.status, reason.test(unread.err)], [2, true], unread.err);
    }
    const changed = path.join(daemon.dataDir, 'plugins', 'night.yaml');
    await writeFile(changed, (await readFile(changed, 'utf8')).replace('Evening', 'Late'));
    assert.match((await run('reload')).out, /^night +/m);
    assert.ok((await daemon.api.get('/apps/live/presets')).text.includes('Late'));
    assert.match((await run('remove', 'night')).out, /Removed night/);
    const refused = await run('remove', 'storage-s3');
    assert.deepEqual([refused.status, /part of StreamHub/.test(refused.err)], [6, true]);
  });

  test('one whose storage is used is removed only on purpose; then its apps alarm and record nothing', async () => {
    const put = await daemon.api.put('/apps/live/s3', { provider: 'shelf', bucket: 'x', key: 'k', secret: 's' });
    assert.equal(put.status, 200, put.text);
    assert.deepEqual((await view('shelf')).usedBy, ['live']);
    const refused = await daemon.api.delete('/plugins/shelf');
    assert.deepEqual([refused.status, refused.body.code, refused.body.apps], [409, 'PLUGIN_IN_USE', ['live']]);
    const without = await packedPlugin('shelf', providerCode('rack', ''), { providers: ['rack'], ...version('4.0.0') });
    const dropped = await upload(daemon.api, without, '/plugins/shelf', 'PUT');
    assert.deepEqual([dropped.status, dropped.body.code], [409, 'PLUGIN_IN_USE'], dropped.text);

    const gone = await daemon.api.delete('/plugins/shelf?force=true');
    assert.equal(gone.status, 204, gone.text);
    assert.equal((await daemon.api.get('/plugins/shelf')).status, 404);
    assert.deepEqual(await folders(), []);
    await missingAlarm(daemon.api);
    await staysUsable(daemon.api, 9);
    await upload(daemon.api, two);
    await until('the alarm is over', async () => (await alarmOf(daemon.api)) === undefined);
  });

  test('over a restart, an app whose provider was removed loads, alarms and can be edited', async (t) => {
    const dataDir = await temporaryDir(t);
    await installPlugin(dataDir, 'shelf', providerCode('shelf', ''));
    const first = await testDaemon(t, {}, { dataDir });
    const put = await first.api.put('/apps/live/s3', { provider: 'shelf', bucket: 'x', key: 'k', secret: 's' });
    assert.equal(put.status, 200, put.text);
    assert.equal((await first.api.delete('/plugins/shelf?force=true')).status, 204);
    await first.stop();

    const second = await testDaemon(t, {}, { dataDir });
    await missingAlarm(second.api);
    await staysUsable(second.api, 8);
    const yaml = async () => (await second.api.get('/apps/live/config/raw')).body.data.yaml as string;
    const text = parseDocument(await yaml());
    text.setIn(['hls', 'list_size'], 6);
    const written = await second.api.put('/apps/live/config/raw', { yaml: text.toString() });
    assert.equal(written.status, 200, written.text);
    const { hls, s3 } = parse(await yaml());
    assert.deepEqual([hls.list_size, s3.provider], [6, 'shelf']);
    assert.equal((await second.api.put('/apps/live/s3', { provider: 'local' })).status, 200);
    await until('the alarm is over', async () => (await alarmOf(second.api)) === undefined);
  });

  test('an error that a plugin throws is one error line with its stack; answers name the plugin and the wrong field', async () => {
    const parts = `
      validate: ({ mood }) => { if (mood === 'throws') brokenHeart(); return mood === 'finds' ? 'nothing' : []; },
      open: ({ settings: { mood }, credentials }) => {
        if (mood === 'opens badly') throw new Error('cannot open with ' + credentials.secret);
        if (mood === 'opens refused') throw new StorageError('FAILED', { detail: 'signed with ' + credentials.secret, native: credentials.secret });
        if (mood === 'throws later') setTimeout(() => { throw new Error('https://u:' + encodeURIComponent(credentials.secret) + '@shelf failed'); });
        if (mood === 'ends') { console.error('TypeError: long ago'); process.exit(3); }
        if (mood === 'throws later' || mood === 'ends') return new Promise(() => {});
        if (mood === 'half a client') return { put: async () => {} };
        const one = { key: 'a', size: mood === 'head' ? 'large' : 1 };
        return { put: async () => {}, get: async () => ({}), head: async () => one, list: async function* () { yield [one]; }, deleteMany: async () => ({ deleted: 1 }), dispose() {} };
      },`;
    const code = providerCode('faulty', parts, "function brokenHeart() { throw new RangeError('out of love'); }");
    assert.equal((await upload(daemon.api, await packedPlugin('faulty', code))).status, 201);
    const put = await daemon.api.put('/apps/live/s3', { provider: 'faulty', bucket: 'x', options: { mood: 'throws' } });
    assert.deepEqual([put.status, put.body.code], [502, 'PLUGIN_FAILED'], put.text);
    assert.match(put.body.message, /^The plugin faulty failed: out of love \(index\.mjs:3:\d+\)\.$/);
    const lines = await until('the line is in the log', async () => {
      const { data } = (await daemon.api.get('/logs?level=error&q=faulty')).body;
      return data.length > 0 ? data : undefined;
    });
    assert.equal(lines.length, 1);
    assert.match(lines[0].message, /^The plugin faulty failed: validating its settings failed: out of love/);
    const stack = JSON.stringify(lines[0]);
    assert.match(stack, /RangeError: out of love.*brokenHeart.*index\.mjs:\d+/);
    assert.ok(!stack.includes(daemon.dataDir), 'no path of the machine');

    const words = await daemon.api.put('/apps/live/s3', {
      provider: 'faulty',
      bucket: 'x',
      options: { mood: 'finds' },
    });
    assert.deepEqual([words.status, words.body.code], [502, 'PLUGIN_FAILED'], words.text);
    assert.match(words.body.message, /findings must be array/);
    const attempt = async (mood: string) => {
      await daemon.api.post('/plugins/faulty/enable');
      const body = { provider: 'faulty', bucket: 'x', key: 'some-key', secret: 'some/secret', options: { mood } };
      return JSON.stringify((await daemon.api.post('/apps/live/s3/test', body)).body);
    };
    const opened = await attempt('opens badly');
    assert.match(opened, /cannot open with \[redacted\]/);
    const refused = await attempt('opens refused');
    assert.match(refused, /signed with \[redacted\]/);
    assert.doesNotMatch(opened + refused, /some.?secret/);
    const fault = () =>
      until('the fault is noted', async () => (await daemon.api.get('/plugins/faulty')).body.data.lastFault);
    await attempt('throws later');
    assert.match(
      (await fault()).reason,
      /^it threw an uncaught error: Error: https:\/\/u:\[redacted\]@shelf failed \(index\.mjs:\d+:\d+\)$/,
    );
    await attempt('ends');
    assert.equal((await fault()).reason, 'its code ended the process (code 3)');
    assert.match(await attempt('half a client'), /get must be a function; head must be a function/);
    assert.equal((await daemon.api.delete('/plugins/faulty')).status, 204);
  });

  test('a recording whose storage plugin throws is not started, and the answer names the plugin', async () => {
    const parts = `egressTarget: ({ mood }) => {
      if (mood === 'throws') throw new RangeError('out of shelves');
      return { kind: 's3', bucket: 'x', region: 5 };
    },`;
    const contributes = { storageProviders: [{ id: 'writer', title: 'Writer', egressTarget: true }] };
    const packed = await packedPlugin('writer', providerCode('writer', parts), { manifest: { contributes } });
    assert.equal((await upload(daemon.api, packed)).status, 201);
    assert.equal((await daemon.api.post('/apps', { name: 'cinema' })).status, 201);
    const keys = { key: LIVEKIT_KEYS.LIVEKIT_API_KEY, secret: LIVEKIT_KEYS.LIVEKIT_API_SECRET };
    const begun = event('room_started', { room: room('cinema-hall') });
    assert.equal((await sendWebhook(daemon.url, begun, keys)).status, 200);
    const start = async (mood: string) => {
      const body = { provider: 'writer', bucket: 'x', key: 'some-key', secret: 'some-secret', options: { mood } };
      const put = await daemon.api.put('/apps/cinema/s3', body);
      assert.equal(put.status, 200, put.text);
      return daemon.api.post('/apps/cinema/recording/start', { room: 'hall' });
    };
    const thrown = await start('throws');
    assert.deepEqual([thrown.status, thrown.body.code], [502, 'PLUGIN_FAILED'], thrown.text);
    assert.equal(thrown.body.message, 'The plugin writer failed: out of shelves (index.mjs:12:36).');
    const wrong = await start('answers badly');
    assert.deepEqual([wrong.status, wrong.body.code], [502, 'PLUGIN_FAILED'], wrong.text);
    assert.match(wrong.body.message, /asking where LiveKit writes returned an invalid answer: region must be string/);
    assert.equal((await daemon.api.get('/apps/cinema/vods')).body.total, 0);
    assert.equal((await daemon.api.delete('/plugins/writer?force=true')).status, 204);
  });

  test('built-in plugins are updated with StreamHub only, and those of npm with npm', async () => {
    for (const answer of [
      await daemon.api.delete('/plugins/storage-s3?force=true'),
      await upload(daemon.api, one, '/plugins/presets', 'PUT'),
      await daemon.api.post('/plugins/storage-local/rollback'),
    ])
      assert.deepEqual([answer.status, answer.body.code], [409, 'PLUGIN_BUILT_IN']);
    assert.equal((await daemon.api.post('/plugins/shelf/rollback')).body.code, 'PLUGIN_NO_PREVIOUS');
    await writeFile(path.join(daemon.dataDir, 'plugins/notes.txt'), 'no plugin');
    assert.equal((await daemon.api.delete('/plugins/notes.txt')).status, 404);
  });
});
