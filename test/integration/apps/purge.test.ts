import assert from 'node:assert/strict';
import { access, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, beforeEach, describe, type TestContext, test } from 'node:test';
import { bucketPlace, bucketSettings } from '#test/helpers/bucket.ts';
import { sharedDaemon } from '#test/helpers/daemon.ts';
import { addVods, keysOf, type SampleVod, spread } from '#test/helpers/recordings.ts';
import { s3Gate } from '#test/helpers/s3-gate.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';

const started = startS3Server();
const s3 = started as S3Server;
const daemon = sharedDaemon();
after(() => (typeof started === 'string' ? undefined : s3.stop()));
const { api } = daemon;
const appDir = (app: string) => path.join(daemon.dataDir, 'apps', app);
const exists = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );
let names = 0;

/** A new app; with a separate bucket when a server is there. */
async function newApp(settings: object = {}, name = `purge-${++names}`): Promise<string> {
  assert.equal((await api.post('/apps', { name })).status, 201);
  if (Object.keys(settings).length > 0) {
    const { status, text } = await api.put(`/apps/${name}/s3`, settings);
    assert.equal(status, 200, text);
  }
  return name;
}

describe('DELETE /apps/{name}', () => {
  test('moves the folder to the archive, drops secrets and tokens, and leaves the name free and empty', async () => {
    const app = await newApp({ key: 'AKIAARCHIVED0001', secret: 'archived-secret' });
    const { id } = (await api.get(`/apps/${app}`)).body;
    const { token } = (await api.post('/tokens', { name: 't', scope: 'app', appId: id })).body;
    addVods(daemon.dataDir, app, [{ key: 'kept.mp4' }]);
    const { status, body } = await api.delete(`/apps/${app}`);
    assert.equal(status, 200);
    assert.deepEqual(body, { deleted: true, name: app });
    assert.equal((await api.get(`/apps/${app}`)).status, 404);
    assert.equal((await api.as(token).get(`/apps/${app}`)).status, 401);
    assert.equal(await exists(appDir(app)), false);
    const archived = (await readdir(path.join(daemon.dataDir, 'archive'))).filter((entry) =>
      entry.startsWith(`${app}-`),
    );
    assert.equal(archived.length, 1);
    assert.match(archived[0] as string, /-\d{8}T\d{9}Z$/);
    assert.deepEqual(
      (await readdir(path.join(daemon.dataDir, 'archive', archived[0] as string)))
        .filter((entry) => /^(app\.db|config\.yaml)$/.test(entry))
        .sort(),
      ['app.db', 'config.yaml'],
    );
    await newApp({}, app);
    assert.equal((await api.get(`/apps/${app}/s3`)).body.data.hasKey, false);
    assert.equal((await api.get(`/apps/${app}/sizes`)).body.data.vodCount, 0);
    assert.notEqual((await api.get(`/apps/${app}`)).body.id, id);
  });

  for (const [query, code] of [
    ['', 200],
    ['?deleteVods=false', 200],
    ['?deleteVods=0', 200],
    ['?deleteVods=1', 200],
    ['?deleteVods=true', 200],
    ['?deleteVods=yes', 400],
  ] as const) {
    test(`deleteVods${query} is ${code}`, async () => {
      const app = await newApp();
      assert.equal((await api.delete(`/apps/${app}${query}`)).status, code);
      const archived = (await readdir(path.join(daemon.dataDir, 'archive'))).some((entry) =>
        entry.startsWith(`${app}-`),
      );
      assert.equal(archived, code === 200 && !/true|1/.test(query));
    });
  }

  test('an unknown app is 404; without the right it is 403', async () => {
    assert.equal((await api.delete('/apps/nowhere')).status, 404);
    assert.equal((await api.as(null).delete('/apps/live')).status, 401);
    const { token } = (
      await api.post('/tokens', { name: 't', scope: 'app', appId: (await api.get('/apps/live')).body.id })
    ).body;
    const other = await newApp();
    assert.equal((await api.as(token).delete(`/apps/${other}`)).status, 403);
  });

  test('with recordings but no credentials nothing is touched', async () => {
    const app = await newApp();
    addVods(daemon.dataDir, app, [{ key: 'one.mp4' }, { key: 'two.mp4', snapshot: 'two.jpg' }]);
    const { status, body } = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.equal(status, 502);
    assert.equal(body.code, 'STORAGE_PURGE_FAILED');
    assert.deepEqual([body.s3Deleted, body.s3Failed], [0, 3]);
    assert.match(body.message, /access key/);
    assert.equal((await api.get(`/apps/${app}/sizes`)).body.data.vodCount, 2);
  });

  test('without credentials and without recordings there is nothing to do', async () => {
    const app = await newApp();
    addVods(daemon.dataDir, app, [{ key: null }]);
    assert.equal((await api.delete(`/apps/${app}?deleteVods=true`)).status, 200);
    assert.equal(await exists(appDir(app)), false);
  });

  test('a damaged database is refused in words, and deleting without recordings still works', async () => {
    const app = await newApp();
    await writeFile(path.join(appDir(app), 'app.db'), 'this is no database');
    const { status, body } = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.equal(status, 502, JSON.stringify(body));
    assert.match(body.message, /app\.db is missing or damaged/);
    assert.equal((await api.delete(`/apps/${app}`)).status, 200);
  });
});

describe('DELETE /apps/{name}?deleteVods=true', { skip: typeof started === 'string' ? started : false }, () => {
  let bucket: string;
  const settings = (more: object = {}) => ({ ...bucketSettings(s3, bucket), ...more });
  beforeEach(async () => {
    bucket = await s3.bucket();
  });

  const sample = (app: string): SampleVod[] => [
    { key: `streamhub/${app}/a.mp4`, snapshot: `streamhub/${app}/snapshots/a.jpg` },
    {
      key: `streamhub/${app}/b.mp4`,
      variants: [
        { key: `streamhub/${app}/b/index.m3u8`, segments: [`streamhub/${app}/b/0 .ts`, `streamhub/${app}/b/ü+1.ts`] },
        { segments: ['elsewhere/c.ts'] },
      ],
    },
    { key: null },
  ];

  test('removes every object that belongs to the app, and nothing else', async () => {
    const app = await newApp(settings());
    const vods = sample(app);
    const loose = [`streamhub/${app}/snapshots/room/1.jpg`, `streamhub/${app}/snapshots/2.jpg`];
    const others = [
      `streamhub/${app}/unknown.mp4`,
      `streamhub/${app}-2/snapshots/x.jpg`,
      `streamhub/${app}/snapshots-old/x.jpg`,
      'snapshots/x.jpg',
    ];
    await s3.put(bucket, [...keysOf(vods), ...loose, ...others]);
    addVods(daemon.dataDir, app, [...vods, { key: `streamhub/${app}/never-uploaded.mp4` }]);
    const { status, body, text } = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.equal(status, 200, text);
    assert.deepEqual(body, { deleted: true, name: app });
    assert.deepEqual((await s3.keys(bucket)).sort(), others.sort());
    assert.equal(await exists(appDir(app)), false);
    assert.deepEqual(
      (await readdir(path.join(daemon.dataDir, 'apps'))).filter((entry) => entry.includes(app)),
      [],
    );
    assert.ok(
      !(await readFile(path.join(daemon.dataDir, 'data', 'secrets.json'), 'utf8')).includes(
        app.toUpperCase().replace('-', '_'),
      ),
    );
    const job = (await api.get(`/jobs?app=${app}`)).body.data[0];
    assert.equal(job.state, 'succeeded');
    assert.equal(job.result.s3Deleted, keysOf(vods).length + loose.length + 1);
    assert.equal(job.progress.failed, 0);
  });

  test('a refused object leaves everything else of the app as it was, and the call can be repeated', async () => {
    const app = await newApp(settings());
    const vods = Array.from(
      { length: 30 },
      (_, n): SampleVod => ({ key: `streamhub/${app}/${n % 2 ? 'locked' : 'free'}/${n}.mp4` }),
    );
    await s3.put(bucket, keysOf(vods));
    addVods(daemon.dataDir, app, vods);
    await s3.denyDelete(bucket, `streamhub/${app}/locked/`);
    const { status, body } = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.equal(status, 502);
    assert.deepEqual(
      [body.statusCode, body.code, body.s3Deleted, body.s3Failed],
      [502, 'STORAGE_PURGE_FAILED', 15, 15],
    );
    assert.equal(body.failedKeys.length, 15);
    assert.ok(body.failedKeys.every((key: string) => key.includes('/locked/')));
    assert.deepEqual(body.reasons, { ACCESS_DENIED: 15 });
    assert.equal((await api.get(`/apps/${app}`)).status, 200);
    assert.equal((await api.get(`/apps/${app}/sizes`)).body.data.vodCount, 30);
    assert.equal((await api.get(`/apps/${app}/s3`)).body.data.configured, true);
    assert.equal((await api.put(`/apps/${app}/s3`, { region: 'us-east-1' })).status, 200, 'the app is not locked');
    assert.equal((await s3.keys(bucket)).length, 15);
    await s3.denyDelete(bucket, null);
    assert.equal((await api.delete(`/apps/${app}?deleteVods=true`)).status, 200);
    assert.deepEqual(await s3.keys(bucket), []);
  });

  test('at most twenty failed keys are named', async () => {
    const app = await newApp(settings({ secret: 'wrong-wrong-wrong-wrong' }));
    addVods(
      daemon.dataDir,
      app,
      Array.from({ length: 50 }, (_, n) => ({ key: `k${n}` })),
    );
    const { status, body, text } = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.equal(status, 502);
    assert.equal(body.s3Failed, 50);
    assert.equal(body.failedKeys.length, 20);
    assert.match(body.message, /does not accept these credentials/);
    assert.ok(!text.includes('wrong-wrong'));
  });

  test('objects in another user’s bucket are refused and counted', async () => {
    const stranger = await s3.user(`stranger${names}`);
    const app = await newApp(settings(stranger));
    await s3.put(bucket, ['mine.mp4']);
    addVods(daemon.dataDir, app, [{ key: 'mine.mp4' }]);
    const { status, body } = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.equal(status, 502);
    assert.ok(body.reasons.ACCESS_DENIED >= 1);
    assert.deepEqual(await s3.keys(bucket), ['mine.mp4']);
  });

  test('objects are deleted where they were put, not where new ones go', async () => {
    const old = bucket;
    bucket = await s3.bucket();
    const app = await newApp(settings());
    const place = bucketPlace(s3, old);
    await s3.put(old, ['first/prefix/a.mp4', 'first/prefix/a/0.ts']);
    await s3.put(bucket, ['first/prefix/a.mp4', 'b.mp4']);
    addVods(daemon.dataDir, app, [
      { key: 'first/prefix/a.mp4', place, variants: [{ segments: ['first/prefix/a/0.ts'] }] },
      { key: 'b.mp4' },
    ]);
    assert.equal((await api.delete(`/apps/${app}?deleteVods=true`)).status, 200);
    assert.deepEqual(await s3.keys(old), []);
    assert.deepEqual(await s3.keys(bucket), ['first/prefix/a.mp4']);
  });

  for (const [name, prefix] of [
    ['empty', ''],
    ['a slash', '/'],
  ] as const) {
    test(`with ${name} for a prefix no snapshot is listed`, async () => {
      const app = await newApp(settings({ prefix }));
      await s3.put(bucket, ['snapshots/of-someone.jpg', 'a.mp4']);
      addVods(daemon.dataDir, app, [{ key: 'a.mp4' }]);
      assert.equal((await api.delete(`/apps/${app}?deleteVods=true`)).status, 200);
      assert.deepEqual(await s3.keys(bucket), ['snapshots/of-someone.jpg']);
      const job = (await api.get(`/jobs?app=${app}`)).body.data[0];
      assert.match(job.result.warnings.join(), /were left/);
    });
  }

  test('a prefix that another app uses is not listed', async () => {
    const app = await newApp(settings({ prefix: 'common' }));
    await newApp(settings({ prefix: '/common/' }));
    await s3.put(bucket, ['common/snapshots/x.jpg', 'common/a.mp4']);
    addVods(daemon.dataDir, app, [{ key: 'common/a.mp4' }]);
    assert.equal((await api.delete(`/apps/${app}?deleteVods=true`)).status, 200);
    assert.deepEqual(await s3.keys(bucket), ['common/snapshots/x.jpg']);
  });

  test('pictures stay beside recordings that another app made there before it moved to its own bucket', async () => {
    const common = await s3.bucket();
    const settings = { ...bucketSettings(s3, common), prefix: 'films' };
    const app = await newApp(settings);
    const other = await newApp(settings);
    const pictures = ['films/snapshots/b_00000.jpeg', 'films/snapshots/b_00001.jpeg'];
    await s3.put(common, ['films/b.mp4', ...pictures]);
    addVods(daemon.dataDir, other, [
      { key: 'films/b.mp4', snapshot: pictures[1] as string, place: bucketPlace(s3, common) },
    ]);
    const moved = await api.put(`/apps/${other}/s3`, { ...settings, ...bucketSettings(s3, await s3.bucket()) });
    assert.equal(moved.status, 200, moved.text);
    const { body } = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.match(body.warnings[0], /Snapshots without a row were left: another app/);
    assert.deepEqual((await s3.keys(common)).sort(), ['films/b.mp4', ...pictures]);
  });

  test('what an app that was deleted without its recordings left behind stays', async () => {
    const app = await newApp(settings());
    await s3.put(bucket, [`streamhub/${app}/snapshots/of-the-first.jpg`]);
    assert.equal((await api.delete(`/apps/${app}`)).status, 200);
    await newApp(settings(), app);
    assert.equal((await api.delete(`/apps/${app}?deleteVods=true`)).status, 200);
    assert.deepEqual(await s3.keys(bucket), [`streamhub/${app}/snapshots/of-the-first.jpg`]);
  });

  test('a list of segments that cannot be read is a refusal in words', async () => {
    const app = await newApp(settings());
    await s3.put(bucket, ['a.mp4']);
    addVods(daemon.dataDir, app, [{ key: 'a.mp4', variants: [{ extra: '{"segmentKeys": ["lost' }] }]);
    const { status, body } = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.equal(status, 502);
    assert.deepEqual(body.failedKeys, ['vod_variants/1/extra_json']);
    assert.match(body.message, /segments .* damaged/);
  });

  /** An app whose recordings take two pages of a purge, and more requests than pass before the gate is opened. */
  const manyVods = async (t: TestContext) => {
    const gate = await s3Gate(t, s3.endpoint);
    const app = await newApp(settings({ endpoint: gate.endpoint }));
    const vods = Array.from({ length: 2100 }, (_, n): SampleVod => ({ key: `streamhub/${app}/${n}.mp4` }));
    await s3.put(bucket, spread(keysOf(vods)));
    addVods(daemon.dataDir, app, vods);
    for (let request = 0; request < 2; request += 1) gate.pass();
    return { app, gate };
  };

  test('Prefer: respond-async answers 202 with the job, and events report its progress and its end', async (t) => {
    const { app, gate } = await manyVods(t);
    const seen: string[] = [];
    let last = 0;
    const ended = new Promise<void>((resolve) => {
      const stop = daemon.services.events.subscribe((event) => {
        if (!event.type.startsWith('job.') || event.app !== app) return;
        seen.push(event.type);
        const { progress } = (event.data as { job: { progress: { done: number } | null } }).job;
        assert.ok((progress?.done ?? 0) >= last, 'progress does not go back');
        last = progress?.done ?? last;
        if (event.type === 'job.succeeded') {
          stop();
          resolve();
        }
      });
    });
    const { status, body, headers } = await api.delete(`/apps/${app}?deleteVods=true`, { prefer: 'respond-async' });
    assert.equal(status, 202);
    assert.equal(headers.get('preference-applied'), 'respond-async');
    assert.equal(headers.get('location'), `/api/v1/jobs/${body.data.id}`);
    assert.equal(body.data.kind, 'app-delete');
    assert.equal(
      (await api.put(`/apps/${app}/s3`, { bucket: 'other' })).status,
      409,
      'an app on its way out takes no changes',
    );
    assert.equal(
      (await api.delete(`/apps/${app}?deleteVods=true`, { prefer: 'respond-async' })).body.data.id,
      body.data.id,
    );
    assert.equal((await api.delete(`/apps/${app}`)).status, 409, 'not in another way');
    gate.open();
    await ended;
    assert.deepEqual([seen[0], seen[1], seen.at(-1)], ['job.queued', 'job.started', 'job.succeeded']);
    assert.ok(seen.includes('job.progress'));
    const job = (await api.get(`/jobs/${body.data.id}`)).body.data;
    assert.deepEqual(
      [job.state, job.progress.done, job.progress.total, job.result.s3Deleted],
      ['succeeded', 2100, 2100, 2100],
    );
    assert.deepEqual(await s3.keys(bucket), []);
    assert.equal((await api.get(`/apps/${app}`)).status, 404);
  });

  test('rows that come while objects are deleted are seen', async (t) => {
    const { app, gate } = await manyVods(t);
    await s3.put(bucket, ['late.mp4']);
    const stop = daemon.services.events.subscribe((event) => {
      if (event.type !== 'job.progress' || event.app !== app) return;
      stop();
      addVods(daemon.dataDir, app, [{ key: 'late.mp4' }]);
      gate.open();
    });
    assert.equal((await api.delete(`/apps/${app}?deleteVods=true`)).status, 200);
    assert.deepEqual(await s3.keys(bucket), []);
  });

  test('an outage in the middle is a 502 with counts; when the storage is back the call finishes the work', async (t) => {
    const { app, gate } = await manyVods(t);
    const stored = (await s3.keys(bucket)).length;
    const stop = daemon.services.events.subscribe((event) => {
      if (event.type !== 'job.progress' || event.app !== app) return;
      stop();
      gate.close();
    });
    const { status, body, text } = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.equal(status, 502, text);
    assert.deepEqual([body.s3Deleted, body.s3Failed], [2000, 100]);
    assert.match(body.message, /is not responding \(ECONNREFUSED\)/);
    assert.equal((await api.get(`/apps/${app}/sizes`)).body.data.vodCount, 2100);
    const left = (await s3.keys(bucket)).length;
    assert.ok(left > 0 && left < stored, 'it was taken away while objects were deleted');
    await gate.reopen();
    gate.open();
    assert.equal((await api.delete(`/apps/${app}?deleteVods=true`)).status, 200);
    assert.deepEqual(await s3.keys(bucket), []);
  });

  test('links and the objects of one VOD', async () => {
    const app = await newApp(settings());
    const [first, second] = addVods(daemon.dataDir, app, [
      { key: 'one.mp4', snapshot: 'one.jpg', variants: [{ key: 'one/index.m3u8', segments: ['one/0.ts'] }] },
      { key: 'two.mp4' },
    ]) as [number, number];
    await s3.put(
      bucket,
      ['one.mp4', 'one.jpg', 'one/index.m3u8', 'one/0.ts', 'two.mp4', 'streamhub/x/snapshots/s.jpg'],
      'film',
    );
    const place = {
      storage_provider: null,
      storage_bucket: null,
      storage_region: null,
      storage_endpoint: null,
      storage_force_path_style: null,
      storage_options: null,
    };
    const links = await daemon.services.storage.links(app, [
      { key: 'two.mp4', place, expiresIn: 60, downloadName: 'film.mp4' },
    ]);
    assert.equal(links[0]?.publicUrl, null);
    const film = await fetch(links[0]?.presignedUrl ?? '');
    assert.equal(await film.text(), 'film');
    assert.match(film.headers.get('content-disposition') ?? '', /film\.mp4/);
    assert.deepEqual(await daemon.services.storage.deleteVodObjects(app, first), { deleted: 4 });
    assert.deepEqual((await s3.keys(bucket)).sort(), ['streamhub/x/snapshots/s.jpg', 'two.mp4']);
    await s3.denyDelete(bucket, 'two');
    await assert.rejects(daemon.services.storage.deleteVodObjects(app, second), /could not be deleted/);
  });
});
