import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { access, readdir, readFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import Database from 'better-sqlite3';
import { parseDocument } from 'yaml';
import { type DaemonProcess, daemonProcess, temporaryDir } from '#test/helpers/daemon.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { startMediaWorker } from '#test/helpers/media-worker.ts';
import { disposeMedia, join } from '#test/helpers/participant.ts';
import { installPlugin } from '#test/helpers/plugins.ts';
import { until } from '#test/helpers/until.ts';

after(() => disposeMedia());

/** A storage with its own protocol, which LiveKit does not speak; and one that LiveKit writes to as Azure. */
const PLUGIN = `
import http from 'node:http';
import { definePlugin, defineStorageProvider, StorageError, Type } from 'streamhub/plugin-sdk';
const ask = (context, method, key, body, headers = {}) => new Promise((resolve, reject) => {
  const url = context.settings.endpoint + '/' + encodeURIComponent(key);
  const request = http.request(url, { method, headers, lookup: context.guard.lookup }, (answer) => {
    const chunks = [];
    answer.on('data', (chunk) => chunks.push(chunk));
    answer.on('end', () => {
      if (answer.statusCode >= 500) reject(new StorageError('UNAVAILABLE', { status: answer.statusCode }));
      else resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString() });
    });
    answer.on('error', () => reject(new StorageError('UNREACHABLE')));
  });
  request.on('error', () => reject(new StorageError('UNREACHABLE')));
  if (body === undefined) request.end();
  else if (typeof body.pipe === 'function') body.pipe(request);
  else request.end(body);
});
const base = {
  settings: Type.Object({ bucket: Type.String({ default: '' }), endpoint: Type.String({ default: '' }) }),
  credentials: [
    { name: 'key', title: 'Key', secret: false, required: true },
    { name: 'secret', title: 'Secret', secret: true, required: true },
  ],
  capabilities: { bulkDelete: false, presign: false, versions: false, multipart: false },
  maxDeleteBatch: 100,
  endpoint: ({ endpoint }) => endpoint || undefined,
  open: (context) => ({
    put: async (key, body, { contentLength }) => {
      await ask(context, 'PUT', key, body, { 'content-length': contentLength ?? body.length });
    },
    get: async () => { throw new StorageError('UNSUPPORTED'); },
    head: async (key) => {
      const { status, headers } = await ask(context, 'HEAD', key);
      return status === 404 ? null : { key, size: Number(headers['x-size']), md5: headers['x-md5'] };
    },
    async *list() {},
    deleteMany: async (keys) => {
      for (const key of keys) await ask(context, 'DELETE', key);
      return { deleted: keys.length, failed: [] };
    },
    dispose() {},
  }),
};
export default definePlugin({ storageProviders: [
  defineStorageProvider({ ...base, id: 'shelf' }),
  defineStorageProvider({ ...base, id: 'blobs',
    egressTarget: ({ bucket }, { key, secret }) =>
      ({ kind: 'azure', accountName: key, accountKey: secret, containerName: bucket, more: 'left out' }) }),
  defineStorageProvider({ ...base, id: 'google',
    credentials: [{ name: 'secret', title: 'Key file', secret: true, required: true, maxLength: 16384 }],
    egressTarget: ({ bucket }, { secret }) => ({ kind: 'gcp', bucket, credentials: secret }) }),
  defineStorageProvider({ ...base, id: 'oss',
    egressTarget: ({ bucket }, { key, secret }) => ({ kind: 'alioss', bucket, region: 'eu-central-1',
      endpoint: 'https://oss-eu-central-1.aliyuncs.com', accessKey: key, secret }) }),
] });
`;

/** The shelf: keeps what it is sent. */
async function startShelf(t: { after(fn: () => unknown): void }) {
  const objects = new Map<string, Buffer>();
  const shelf = { objects, mode: 'takes' as 'takes' | 'refuses' | 'hangs' | 'damages', puts: 0, endpoint: '' };
  const server = http.createServer((request, response) => {
    const key = decodeURIComponent((request.url ?? '').slice(1));
    if (request.method === 'DELETE') objects.delete(key);
    const found = objects.get(key);
    if (request.method === 'HEAD' && found !== undefined) {
      response.setHeader('x-size', found.length);
      response.setHeader('x-md5', createHash('md5').update(found).digest('hex'));
    }
    if (request.method !== 'PUT') return response.writeHead(request.method === 'HEAD' && !found ? 404 : 200).end();
    shelf.puts++;
    if (shelf.mode === 'hangs') return request.resume();
    if (shelf.mode === 'refuses') return response.writeHead(503).end();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      if (shelf.mode === 'damages') body[0] = (body[0] as number) ^ 1;
      objects.set(key, body);
      response.writeHead(200).end();
    });
    return undefined;
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  shelf.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return shelf;
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

test('recordings of storages that LiveKit does not know', async (t) => {
  const livekit = startLivekit(t, { tellsDaemon: true });
  if (typeof livekit === 'string') return t.skip(livekit);
  const worker = await startMediaWorker(t, livekit);
  if (typeof worker === 'string') return t.skip(worker);
  const shelf = await startShelf(t);
  const dir = await temporaryDir(t);
  const providers = ['shelf', 'blobs', 'google', 'oss'];
  const storageProviders = providers.map((id) => ({
    id,
    title: id,
    ...(id === 'shelf' ? {} : { egressTarget: true }),
  }));
  await installPlugin(dir, 'shelves', PLUGIN, { providers, manifest: { contributes: { storageProviders } } });
  const start = () => daemonProcess(t, dir, livekit.env);
  let daemon: DaemonProcess = await start();
  const api = () => daemon.api;
  const storage = {
    bucket: 'films',
    endpoint: shelf.endpoint,
    key: 'account1',
    secret: 'a-secret-of-the-shelf',
    prefix: 'p',
  };

  const configure = async (app: string, recording: object) => {
    const text = parseDocument((await api().get(`/apps/${app}/config/raw`)).body.data.yaml);
    const small = { height: 180, fps: 15, bitrate_kbps: 300, mode: 'participant' };
    for (const [key, value] of Object.entries({ ...small, ...recording })) text.setIn(['recording', key], value);
    assert.equal((await api().put(`/apps/${app}/config/raw`, { yaml: text.toString() })).status, 200);
  };
  const vodOf = async (app: string) => (await api().get(`/apps/${app}/vods`)).body.data[0];
  const when = (app: string, status: string) =>
    until(
      `the VOD of ${app} is ${status}`,
      async () => {
        const vod = await vodOf(app);
        assert.notEqual(vod?.status, status === 'failed' ? '' : 'failed', JSON.stringify(vod));
        return vod?.status === status ? vod : undefined;
      },
      { seconds: 60 },
    );
  const record = async (app: string) => {
    const ana = await join(t, livekit.url, await livekit.token(`${app}-stage`, 'ana'));
    await ana.publish();
    await until('there is a stream', async () => (await api().get(`/apps/${app}/streams`)).body.total === 1);
    const answer = await api().post(`/apps/${app}/recording/start`, { room: 'stage' });
    assert.equal(answer.status, 201, answer.text);
    const vod = await when(app, 'recording');
    await until('2 s are recorded', () => Date.now() - Date.parse(vod.startedAt) > 2000);
    assert.equal((await api().call('POST', `/apps/${app}/recording/${vod.id}/stop`)).status, 200);
    return ana;
  };
  const jobOf = async (vod: any) =>
    (await api().get('/jobs?kind=vod-move')).body.data.find((job: any) => job.title.includes(vod.name));

  await t.test('through the app’s folder, an outage and a kill', async () => {
    const put = await api().put('/apps/live/s3', { ...storage, provider: 'shelf' });
    assert.equal(put.status, 200, put.text);
    assert.deepEqual([put.body.data.recordingPath, put.body.data.keptLocally], ['moved', false]);
    assert.match(put.body.data.recordingPathNote, /a job moves each one/);
    await configure('live', { delete_local_after_upload: true, snapshot_seconds: 1 });
    const { plan } = (await api().get('/apps/live/delivery')).body.data;
    assert.deepEqual([plan.recording.storage, plan.recording.removesLocal], ['moved', true]);
    shelf.mode = 'refuses';
    await record('live');
    const waiting = await until(
      'the job waits for the storage',
      async () => {
        const vod = await vodOf('live');
        const job = await jobOf(vod);
        return job?.state === 'waiting' ? { vod, job } : undefined;
      },
      { seconds: 60 },
    );
    const { vod } = waiting;
    assert.deepEqual(
      [waiting.job.error.code, vod.status, vod.storageProvider],
      ['RECORDING_NOT_MOVED', 'uploading', 'local'],
    );
    assert.equal(waiting.job.maxAttempts, null);
    const file = path.join(dir, 'apps/live', vod.localPath);
    const film = await readFile(file);
    assert.deepEqual([vod.url, shelf.objects.size], [null, 0]);

    shelf.mode = 'damages';
    const puts = shelf.puts;
    await api().post(`/jobs/${waiting.job.id}/retry`);
    await until('other bytes are noticed', async () => {
      const job = await jobOf(vod);
      return shelf.puts > puts && job.state === 'waiting' && /other bytes/.test(job.error.message);
    });
    assert.ok(await exists(file));

    shelf.mode = 'hangs';
    const before = shelf.puts;
    await api().post(`/jobs/${waiting.job.id}/retry`);
    await until('it sends', () => shelf.puts > before);
    await daemon.end('SIGKILL');
    shelf.mode = 'takes';
    daemon = await start();
    const ready = await when('live', 'ready');
    assert.deepEqual(
      [ready.storageProvider, ready.storageBucket, ready.fileKey, ready.localPath],
      ['shelf', 'films', `p/${vod.name}`, null],
    );
    assert.ok(shelf.objects.get(ready.fileKey)?.equals(film), 'byte for byte');
    const pictures = [...shelf.objects.keys()].filter((key) => key.startsWith('p/snapshots/'));
    assert.ok(pictures.length >= 1 && pictures.includes(ready.snapshotKey), pictures.join());
    await until(
      'the folder is empty',
      async () => !(await exists(file)) && (await readdir(path.join(dir, 'apps/live/snapshots'))).length === 0,
    );
    assert.equal(
      (await until('the job ends', async () => ((await jobOf(vod)).state === 'succeeded' ? jobOf(vod) : undefined)))
        .result.vod,
      vod.id,
    );
    assert.equal((await api().delete(`/apps/live/vods/${vod.id}`)).status, 204);
    assert.deepEqual([...shelf.objects.keys()], []);
  });

  await t.test('deleted while it moves; a local copy that stays is deleted with it', async () => {
    for (const app of ['gone', 'both']) assert.equal((await api().post('/apps', { name: app })).status, 201);
    shelf.mode = 'hangs';
    await api().put('/apps/gone/s3', { ...storage, provider: 'shelf' });
    await configure('gone', { format: 'segments', delete_local_after_upload: false });
    const puts = shelf.puts;
    await record('gone');
    await until('it sends', () => shelf.puts > puts);
    const vod = await vodOf('gone');
    assert.equal(vod.status, 'uploading');
    assert.equal((await api().delete(`/apps/gone/vods/${vod.id}`)).status, 204);
    shelf.mode = 'takes';
    assert.deepEqual([(await api().get('/apps/gone/vods')).body.total, [...shelf.objects.keys()]], [0, []]);
    assert.equal((await jobOf(vod)).state, 'cancelled');

    await api().put('/apps/both/s3', { ...storage, provider: 'shelf' });
    await configure('both', { format: 'segments', delete_local_after_upload: false });
    await record('both');
    const ready = await when('both', 'ready');
    const { variants } = (await api().get(`/apps/both/vods/${ready.id}`)).body;
    const master = variants.find((variant: any) => variant.kind === 'master');
    const base = ready.name.replace('.m3u8', '');
    assert.equal(master.fileKey, `p/${base}/${ready.name}`);
    assert.ok([...shelf.objects.keys()].filter((key) => key.endsWith('.ts')).length >= 1);
    const file = path.join(dir, 'apps/both', ready.localPath);
    assert.ok(await exists(file));
    // a kill can come between the rows and the end of the job, which then begins again
    await until('the job ends', async () => (await jobOf(ready)).state === 'succeeded');
    await daemon.end('SIGKILL');
    const db = new Database(path.join(dir, 'data/streamhub.db'));
    const { id } = db.prepare("SELECT max(id) AS id FROM jobs WHERE kind = 'vod-move'").get() as { id: number };
    db.prepare("UPDATE jobs SET state = 'running', result_json = NULL, finished_at = NULL WHERE id = ?").run(id);
    db.close();
    const sent = shelf.puts;
    daemon = await start();
    const again = await until('the job ends again', async () => {
      const job = (await api().get(`/jobs/${id}`)).body.data;
      return ['queued', 'running'].includes(job.state) ? undefined : job;
    });
    assert.deepEqual([again.state, shelf.puts], ['succeeded', sent], JSON.stringify(again.error));
    assert.equal((await api().delete(`/apps/both/vods/${ready.id}`)).status, 204);
    assert.deepEqual([await exists(file), [...shelf.objects.keys()]], [false, []]);
  });

  await t.test('written by LiveKit, where the provider says how', async () => {
    // as Google's key files are, line breaks included
    const keyFile = {
      type: 'service_account',
      project_id: 'films',
      private_key: `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(1600)}\n-----END PRIVATE KEY-----\n`,
      client_email: 'hub@films.iam.gserviceaccount.com',
      token_uri: 'https://oauth2.googleapis.com/token',
    };
    const long = { secret: JSON.stringify(keyFile, null, 2) };
    const cases = [
      { provider: 'blobs', field: 'azure', address: /^https:\/\/account1\.blob\.core\.windows\.net\/films\/p\// },
      { provider: 'google', field: 'gcp', more: long, address: /^https:\/\/films\.storage\.googleapis\.com\/p\// },
      { provider: 'oss', field: 'aliOSS', address: /^https:\/\/films\.oss-eu-central-1\.aliyuncs\.com\/p\// },
    ];
    for (const { provider, field, more = {}, address } of cases) {
      const app = `in-${provider}`;
      assert.equal((await api().post('/apps', { name: app })).status, 201);
      const { key: _, ...keyless } = storage;
      const put = await api().put(`/apps/${app}/s3`, {
        ...(provider === 'google' ? keyless : storage),
        ...more,
        provider,
      });
      assert.equal(put.body.data?.recordingPath, 'direct', put.text);
      assert.ok(!put.text.includes('AAAA'));
      if (provider === 'oss') {
        const refused = await api().put(`/apps/${app}/s3`, long);
        assert.deepEqual([refused.status, refused.body.details[0].path], [400, 'body.secret'], 'only where it says so');
      }
      await configure(app, {});
      await record(app);
      const vod = await when(app, 'ready');
      const order: any = worker
        .orders()
        .map((one) => one.participant)
        .find((one) => one?.roomName === `${app}-stage`);
      const [file] = order.fileOutputs;
      assert.equal(file[field].bucket ?? file[field].containerName, 'films', JSON.stringify(file));
      assert.equal(file.filepath, `p/${vod.name}`);
      assert.deepEqual([vod.storageProvider, vod.storageBucket, vod.fileKey], [provider, 'films', `p/${vod.name}`]);
      assert.match(vod.s3Url, address);
    }
  });
});
