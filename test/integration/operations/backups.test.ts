import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, globSync, watch } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { parse } from 'yaml';
import { readBackup } from '#daemon/operations/backup/read.ts';
import { SCHEMA } from '#daemon/platform/db/schema-versions.ts';
import { bucketPlace, bucketSettings, giveBucket } from '#test/helpers/bucket.ts';
import { BIN, type Client, daemonProcess, sharedDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { event, LIVEKIT_KEYS, participant, room, sendWebhook, track } from '#test/helpers/livekit-webhook.ts';
import { noMountNamespace, runInMountNamespace } from '#test/helpers/mount-namespace.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';
import { until } from '#test/helpers/until.ts';

const run = promisify(execFile);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const PASSPHRASE = 'correct horse battery staple';
const s3 = startS3Server();
after(() => (typeof s3 === 'string' ? undefined : s3.stop()));
const daemon = sharedDaemon({ ...LIVEKIT_KEYS, LOG_LEVEL: 'info' }, async () => {
  await api.post('/apps', { name: 'live', displayName: 'Live' });
  await api.post('/apps', { name: 'second' });
  await api.post('/tokens', { name: 'a token', scope: 'global' });
  await writeFile(path.join(dataDir, 'apps/live/recordings/one.mp4'), recording);
  // else it comes between a backup and what it is compared with
  await until('the message that LiveKit is away was sent', async () => {
    const { data } = (await api.get('/alerts/channels')).body;
    return data.some(({ lastSentAt }: { lastSentAt: string | null }) => lastSentAt !== null);
  });
});
const { api, dataDir } = daemon;

const onlyKey = async (bucket: string): Promise<string> =>
  typeof s3 === 'string' ? '' : ((await s3.keys(bucket))[0] ?? '');

/** Waits for a job. @returns the job at its end */
const ended = (of: Client, id: number) =>
  until('the job has ended', async () => {
    const { data } = (await of.get(`/jobs/${id}`)).body;
    return ['succeeded', 'failed', 'cancelled'].includes(data.state) ? data : undefined;
  });

async function backUp(of: Client = api, body: object = {}): Promise<any> {
  const begun = await of.post('/backups', { passphrase: PASSPHRASE, ...body });
  assert.equal(begun.status, 202, begun.text);
  const job = await ended(of, begun.body.data.id);
  assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
  return (await of.get(`/backups/${job.result.backupId}`)).body.data;
}

/** Runs a command of the daemon's program. */
const streamhub = (args: string[], env: Record<string, string> = {}) =>
  run(process.execPath, [BIN, ...args], {
    env: { PATH: process.env['PATH'] ?? '', STREAMHUB_BACKUP_PASSPHRASE: PASSPHRASE, ...env },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );

const restoreTo = (file: string, folder: string, args: string[] = []) =>
  streamhub(['restore', file, '--data-dir', folder, ...args]);

const fileOf = (backup: { name: string }, folder = dataDir): string => path.join(folder, 'backups', backup.name);

function rowsOf(file: string): Tables {
  const db = new Database(file, { readonly: true });
  try {
    const tables = db
      .prepare<[], string>(
        `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`,
      )
      .pluck()
      .all();
    return Object.fromEntries(
      tables.map((table) => [
        table,
        db
          .prepare(`SELECT * FROM "${table}"`)
          .all()
          .map((row) => JSON.stringify(row))
          .sort(),
      ]),
    );
  } finally {
    db.close();
  }
}

type Tables = Record<string, unknown[]>;

/** Databases that get rows all the time, and lose old ones at most: what is in the backup must be there still. */
const GROWS = new Set(['data/events.db', 'data/history.db', 'logs/server-logs.db', 'data/streamhub.db audit_log']);

/** Tables whose rows change while the daemon runs, and why. */
const MOVES: Record<string, string> = {
  'data/streamhub.db jobs': 'the job that makes the backup is not part of it',
  'data/streamhub.db backups': 'nor is its row',
  'data/streamhub.db streamhub_meta': 'values of the moment, such as when the daemon last ran',
  'data/streamhub.db api_tokens': 'when a token was used last',
  'data/events.db event_marks': 'how far readers have read',
  'data/history.db traffic_days': 'the sums of the day',
  'app.db usage_days': 'sums of days, which are made in the background',
};
const moves = (place: string, table: string): boolean =>
  MOVES[`${place} ${table}`] !== undefined ||
  MOVES[`${path.basename(place)} ${table}`] !== undefined ||
  // the words of the search, of which SQLite makes other pages as it merges them; the lines are compared
  (place === 'logs/server-logs.db' && table.startsWith('log_'));

/** Checksums of all files below a folder but databases. */
async function filesOf(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (!entry.isFile() || /\.db(?:-\w+)?$/.test(entry.name)) continue;
    found[path.relative(folder, file)] = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  }
  return found;
}

/** Apps with configs, secrets, rows, recordings and a token. */
const recording = randomBytes(300_000);
const join = (name: string, at = `PA_${name}`) =>
  sendWebhook(
    daemon.url,
    event('participant_joined', { room: room(name), participant: participant(`p-${name}`, at) }),
    {},
  );
const publish = (name: string) =>
  sendWebhook(
    daemon.url,
    event('track_published', {
      room: room(name),
      participant: participant(`p-${name}`, `PA_${name}`),
      track: track(`TR_${name}`),
    }),
  );

describe('a backup', () => {
  /** The one that most tests read: everything, with recordings. */
  let backup: any;

  test('taken while webhooks and edits arrive is of one moment for each app', async (t) => {
    let isOver = false;
    let sent = 0;
    let edited = 0;
    const webhooks = (async () => {
      for (; !isOver; sent += 1) {
        const name = `live-load-${String(sent).padStart(5, '0')}`;
        assert.equal((await join(name)).status, 200);
        assert.equal((await publish(name)).status, 200);
      }
    })();
    const edits = (async () => {
      for (; !isOver; edited += 1) {
        const change = await api.put('/apps/second/s3', {
          provider: 'minio',
          endpoint: 'http://127.0.0.1:1',
          bucket: `bucket-${edited}`,
          key: `KEY-${edited}`,
          secret: `SECRET-${edited}`,
        });
        assert.equal(change.status, 200, change.text);
      }
    })();
    await until('the load has begun', () => sent > 20 && edited > 3);
    const taken = await backUp(api, { passphrase: PASSPHRASE }).finally(() => {
      isOver = true;
    });
    await Promise.all([webhooks, edits]);
    const folder = await temporaryDir(t);
    const { code, stderr } = await restoreTo(fileOf(taken), folder);
    assert.equal(code, 0, stderr);
    const config = parse(await readFile(path.join(folder, 'apps/second/config.yaml'), 'utf8'));
    const number = config.s3.bucket.slice('bucket-'.length);
    const secrets = JSON.parse(await readFile(path.join(folder, 'data/secrets.json'), 'utf8'));
    assert.deepEqual([secrets.APP_SECOND_S3_KEY, secrets.APP_SECOND_S3_SECRET], [`KEY-${number}`, `SECRET-${number}`]);
    const db = new Database(path.join(folder, 'apps/second/app.db'), { readonly: true });
    const changes = db.prepare('SELECT count(*) FROM config_changes').pluck().get();
    db.close();
    assert.equal(changes, Number(number) + 1, 'the history has the change that the file has, and none after it');
    // every event up to one moment, and none after it
    const restored = rowsOf(path.join(folder, 'apps/live/app.db'));
    const names = (restored['streams'] as string[]).map((row) => JSON.parse(row).room).sort();
    const expected = Array.from({ length: names.length }, (_, index) => `live-load-${String(index).padStart(5, '0')}`);
    assert.deepEqual(names, expected);
    assert.ok(names.length > 20 && names.length <= sent);
    const now = new Map(
      (rowsOf(path.join(dataDir, 'apps/live/app.db'))['streams'] as string[]).map((row) => [JSON.parse(row).id, row]),
    );
    for (const row of restored['streams'] as string[]) assert.equal(now.get(JSON.parse(row).id), row);
  });

  test('has every row and every file, encrypted, and only its owner can read it', async (t) => {
    assert.equal((await api.post('/backups', {})).body.code, 'BACKUP_PASSPHRASE_MISSING');
    const unusable = await api.post('/backups', { passphrase: PASSPHRASE, destination: 'live' });
    assert.equal(unusable.body.code, 'BACKUP_DESTINATION_UNUSABLE');
    assert.equal((await api.patch('/backups/plan', { passphrase: PASSPHRASE })).body.data.hasPassphrase, true);
    assert.ok(!(await api.get('/backups/plan')).text.includes(PASSPHRASE));
    await until('a line of the log is stored', async () => (await api.get('/logs?limit=1')).body.total > 0);
    const begun = await api.post('/backups', { recordings: true, passphrase: PASSPHRASE });
    const second = await api.post('/backups', {});
    assert.deepEqual([second.status, second.body.code, second.body.jobId], [409, 'BACKUP_BUSY', begun.body.data.id]);
    const { result } = await ended(api, begun.body.data.id);
    backup = (await api.get(`/backups/${result.backupId}`)).body.data;
    const file = fileOf(backup);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.ok(backup.verifiedAt !== null && backup.state === 'ready');
    assert.deepEqual(backup.apps, ['live', 'second']);
    const text = await readFile(file, 'latin1');
    assert.ok(/^age-encryption\.org\/v1\n-> scrypt \S+ 14\n/.test(text) && !text.includes('APP_SECOND'));
    const elsewhere = await temporaryDir(t);
    assert.equal((await restoreTo(file, elsewhere)).code, 0);
    for (const app of ['live', 'second']) {
      const [there, here] = [elsewhere, dataDir].map((folder) => path.join(folder, 'apps', app)) as [string, string];
      assert.deepEqual(await filesOf(there), await filesOf(here));
    }
    const databases = (folder: string) =>
      globSync('**/*.db', { cwd: folder, exclude: ['backups', 'backups/**', 'replaced/**'] }).sort();
    for (const place of ['data/streamhub.db', 'data/events.db', 'data/history.db', 'logs/server-logs.db'])
      assert.ok(databases(elsewhere).includes(place), place);
    assert.deepEqual(databases(elsewhere), databases(dataDir));
    for (const place of databases(elsewhere)) {
      const [here, there] = [dataDir, elsewhere].map((folder) => rowsOf(path.join(folder, place))) as Tables[];
      for (const table of Object.keys({ ...here, ...there })) {
        const why = `${place}, ${table}`;
        if (moves(place, table)) assert.ok(table in (there as Tables), why);
        else if (GROWS.has(place) || GROWS.has(`${place} ${table}`)) {
          const now = new Set(here?.[table]);
          assert.deepEqual(
            there?.[table]?.filter((row) => !now.has(row)),
            [],
            why,
          );
        } else assert.deepEqual(there?.[table], here?.[table], why);
      }
    }
    const secrets = (folder: string) => readFile(path.join(folder, 'data/secrets.json'), 'utf8').then(JSON.parse);
    assert.deepEqual(await secrets(elsewhere), await secrets(dataDir));
    const other = await testDaemon(t, {}, { dataDir: elsewhere });
    const names = (await other.api.get('/apps')).body.map(({ name }: { name: string }) => name);
    assert.deepEqual(names, ['live', 'second']);
    assert.equal((await other.api.get('/jobs?state=active')).body.total, 0);
    const headers = { authorization: `Bearer ${daemon.token}` };
    const downloaded = await fetch(`${daemon.url}/api/v1/backups/${backup.id}/file`, { headers });
    assert.equal(downloaded.headers.get('content-disposition'), `attachment; filename="${backup.name}"`);
    assert.deepEqual(Buffer.from(await downloaded.arrayBuffer()), await readFile(file));
  });

  test('that was changed or cut off at any place is refused, and so is a wrong passphrase', async (t) => {
    const whole = await readFile(fileOf(backup));
    const folder = await temporaryDir(t);
    const read = (bytes: Buffer, passphrase = PASSPHRASE) =>
      readBackup(Readable.from([bytes]), { passphrase, into: folder, mode: 'check', knows: SCHEMA });
    await assert.rejects(read(whole, 'another passphrase'), { fault: { kind: 'passphrase' } });
    await assert.rejects(
      readBackup(Readable.from([whole]), {
        passphrase: PASSPHRASE,
        into: folder,
        mode: 'check',
        knows: { registry: 1, app: 1 },
      }),
      {
        fault: { kind: 'newer', version: backup.version },
      },
    );
    for (const at of [5, Math.floor(whole.length / 2), whole.length - 2]) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] as number) ^ 1;
      await assert.rejects(read(changed), ({ fault }) => fault.kind === 'damaged', `byte ${at}`);
    }
    for (const size of [0, 100, whole.length - 1])
      await assert.rejects(read(whole.subarray(0, size)), ({ fault }) => fault.kind === 'damaged', `${size} bytes`);
    const cut = path.join(folder, 'cut.tar.zst.age');
    await writeFile(cut, whole.subarray(0, whole.length - 1));
    const target = path.join(folder, 'target');
    const { code, stderr } = await restoreTo(cut, target);
    assert.deepEqual([code, /is damaged/.test(stderr)], [1, true], stderr);
    assert.ok(!existsSync(path.join(target, 'data/streamhub.db')) && !existsSync(path.join(target, 'restore')));
    const verified = await streamhub(['backup', 'verify', fileOf(backup)]);
    assert.match(verified.stdout, /is whole: \d+ files/);
  });

  test('gives back one app under a new name beside the original', async () => {
    const restore = (body: object) => api.post(`/backups/${backup.id}/restore`, body);
    assert.equal((await restore({ app: 'second' })).body.code, 'APP_EXISTS');
    assert.equal((await restore({ app: 'third' })).body.code, 'BACKUP_APP_MISSING');
    assert.equal((await restore({ as: 'third' })).status, 400);
    assert.equal((await restore({ app: 'live', as: 'third', roomPrefix: 'second' })).body.code, 'ROOM_PREFIX_TAKEN');
    const begun = await restore({ app: 'live', as: 'live-copy' });
    assert.equal(begun.status, 202, begun.text);
    const job = await ended(api, begun.body.data.id);
    assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
    const app = (await api.get('/apps/live-copy')).body;
    const config = parse(await readFile(path.join(dataDir, 'apps/live-copy/config.yaml'), 'utf8'));
    assert.deepEqual(
      [app.displayName, config.name, config.room_prefix, config.s3.prefix],
      ['Live', 'live-copy', 'live-copy', 'streamhub/live-copy'],
    );
    const validated = await api.post('/apps/live-copy/reload');
    assert.equal(validated.status, 200, validated.text);
    const [live, copy] = ['live', 'live-copy'].map((name) => rowsOf(path.join(dataDir, 'apps', name, 'app.db')));
    const rooms = (rows: Record<string, unknown[]> | undefined) =>
      (rows?.['streams'] ?? []).map((row) => JSON.parse(row as string)).map(({ id, room }) => `${id} ${room}`);
    assert.deepEqual(rooms(copy), rooms(live));
    assert.ok((copy?.['streams'] ?? []).every((row) => JSON.parse(row as string).app_id === app.id));
    assert.deepEqual(await readFile(path.join(dataDir, 'apps/live-copy/recordings/one.mp4')), recording);
    // with its secrets, under the name that it had
    const before = (await api.get('/apps/second/s3')).body.data;
    assert.equal((await api.delete('/apps/second')).status, 200);
    const again = await ended(api, (await restore({ app: 'second' })).body.data.id);
    assert.equal(again.state, 'succeeded', JSON.stringify(again.error));
    const now = (await api.get('/apps/second/s3')).body.data;
    assert.ok(now.hasKey && now.hasSecret);
    assert.deepEqual([now.bucket, now.key], [before.bucket, before.key]);
  });

  test('gives the objects of an app to one app only, however often it is restored', {
    skip: typeof s3 === 'string' && s3,
  }, async () => {
    if (typeof s3 === 'string') return;
    assert.equal((await api.post('/apps', { name: 'films' })).status, 201);
    const bucket = await giveBucket(api, 'films', s3);
    const keys = ['streamhub/films/recordings/one.mp4', 'streamhub/films/recordings/two.mp4'];
    await s3.put(bucket, keys, 'a film');
    // one as it is recorded today, and one of a time when no place was recorded
    addVods(dataDir, 'films', [{ key: keys[0], place: bucketPlace(s3, bucket) }, { key: keys[1] }]);
    daemon.services.databases.get('films').exec("UPDATE vods SET egress_id = 'EG_films' || id");
    const { id } = await backUp();
    const restore = async (as: string) => {
      const begun = await api.post(`/backups/${id}/restore`, { app: 'films', as, passphrase: PASSPHRASE });
      const { state, result, error } = await ended(api, begun.body.data.id);
      assert.equal(state, 'succeeded', JSON.stringify(error));
      return result.lacks.find(({ code }: { code: string }) => code === 'original')?.text ?? null;
    };
    const purge = async (name: string) => assert.equal((await api.delete(`/apps/${name}?deleteVods=true`)).status, 200);
    const left = async () => (await s3.keys(bucket)).sort();
    assert.match(await restore('films-copy'), /stay with the app films\.$/);
    await purge('films-copy');
    assert.deepEqual(await left(), keys);
    // the first that is restored has them again, also beside a new app of that name
    assert.equal((await api.delete('/apps/films')).status, 200);
    assert.equal((await api.post('/apps', { name: 'films', roomPrefix: 'other-films' })).status, 201);
    assert.equal(await restore('films-old'), null);
    assert.match(await restore('films-older'), /stay with the app films-old\.$/);
    await purge('films-older');
    assert.deepEqual(await left(), keys);
    await purge('films-old');
    assert.deepEqual(await left(), []);
  });

  test('is made, listed and verified by the command line, which says what it lacks', async () => {
    const env = { STREAMHUB_TOKEN: daemon.token };
    const made = await streamhub(['backup', '--ask', '--no-logs', '--data-dir', dataDir], env);
    assert.equal(made.code, 0, made.stderr);
    const [, place = ''] = /^Made and verified (\S+): /.exec(made.stdout) ?? [];
    assert.match(made.stdout, /Not in the backup: Recordings and snapshots on this machine: \d+ /);
    const listed = await streamhub(['backup', 'list', '--data-dir', dataDir], env);
    assert.ok(listed.stdout.includes(place), listed.stdout);
    const file = path.join(dataDir, 'backups', path.basename(place));
    assert.match((await streamhub(['backup', 'verify', file])).stdout, / is whole: \d+ files, \d+ databases, /);
    const without = await streamhub(['backup', '--data-dir', dataDir]);
    assert.equal(without.code, 2);
    assert.match(without.stderr, /STREAMHUB_TOKEN/);
  });

  test('that is cancelled at any of its first moments ends, and holds nothing', async () => {
    const { config } = daemon.services;
    const begin = async (): Promise<number> => {
      const begun = await api.post('/backups', { passphrase: PASSPHRASE });
      assert.equal(begun.status, 202, begun.text);
      return begun.body.data.id;
    };
    const cancel = async (id: number): Promise<void> => {
      const cancelled = await api.post(`/jobs/${id}/cancel`);
      assert.equal(cancelled.body.data?.state, 'cancelled', cancelled.text);
    };
    // while its thread starts, and while it begins in a thread that runs already
    for (let round = 0; round < 3; round += 1) await cancel(await begin());
    const id = await begin();
    const work = path.join(dataDir, 'backups', `.work-${id}`);
    await until('it has begun to copy', () => existsSync(work));
    await cancel(id);
    assert.ok(!existsSync(work));
    // while it waits for a change of a config
    const change = Promise.withResolvers<void>();
    const held = config.hold('live', () => change.promise);
    const waiting = await begin();
    await until('it asks for the first app', async () => {
      return (await api.get(`/jobs/${waiting}`)).body.data.progress?.phase === 'collect';
    });
    await cancel(waiting);
    change.resolve();
    await held;
    await config.hold('live', async () => {});
    await backUp();
  });

  test('that was cancelled is made by a retry, while no other job works on backups', async () => {
    const jobOf = async (place: string): Promise<number> => (await api.post(place, {})).body.data.id;
    const cancelled = await jobOf('/backups');
    assert.equal((await api.post(`/jobs/${cancelled}/cancel`)).status, 200);
    const other = await jobOf(`/backups/${backup.id}/verify`);
    const busy = await api.post(`/jobs/${cancelled}/retry`);
    assert.deepEqual([busy.status, busy.body.code, busy.body.jobId], [409, 'BACKUP_BUSY', other]);
    assert.equal((await ended(api, other)).state, 'succeeded');
    assert.equal((await api.post(`/jobs/${cancelled}/retry`)).status, 200);
    const [listed] = (await api.get('/backups')).body.data;
    assert.deepEqual([listed.state, listed.jobId], ['writing', cancelled]);
    assert.equal((await ended(api, cancelled)).state, 'succeeded');
    assert.equal((await api.get(`/backups/${listed.id}`)).body.data.state, 'ready');

    const verify = await jobOf(`/backups/${listed.id}/verify`);
    assert.equal((await api.post(`/jobs/${verify}/cancel`)).status, 200);
    assert.equal((await api.delete(`/backups/${listed.id}`)).status, 204);
    const outdated = await api.post(`/jobs/${verify}/retry`);
    assert.deepEqual([outdated.status, outdated.body.code], [409, 'JOB_OUTDATED']);
    assert.match(outdated.body.message, /^The backup that the job worked on no longer exists/);
  });

  test('whose own passphrase is no longer known never uses the stored one', async () => {
    const verify = `/backups/${backup.id}/verify`;
    const begun = await api.post(verify, { passphrase: 'another passphrase' });
    assert.equal((await ended(api, begun.body.data.id)).error?.code, 'BACKUP_PASSPHRASE_WRONG');
    assert.equal((await api.post(`/jobs/${begun.body.data.id}/retry`)).status, 200);
    assert.equal((await ended(api, begun.body.data.id)).error?.code, 'BACKUP_PASSPHRASE_MISSING');
    const stored = await api.post(verify, {});
    assert.equal((await ended(api, stored.body.data.id)).state, 'succeeded');
  });

  test('is restored in the background a month after the last time, and a day after a failure', async (t) => {
    let ahead = 0;
    const clock = Date.now;
    t.mock.method(Date, 'now', () => clock() + ahead);
    const { backupScheduler } = daemon.services;
    const folder = path.join(dataDir, 'backups');
    const seen = new Set<string | null>();
    const watcher = watch(folder, (_, name) => seen.add(name));
    t.after(() => watcher.close());
    const plan = async () => (await api.get('/backups/plan')).body.data;
    const newest = async () => (await api.get('/jobs?kind=backup-verify&limit=1')).body.data[0];
    const incident = async () =>
      (await api.get('/incidents?state=open')).body.data.find(
        ({ condition }: { condition: string }) => condition === 'backup-missing',
      );
    /** Lets time pass. @returns the job of the test that was due at its end, and of none just before */
    const due = async (ms: number) => {
      const before = (await newest())?.id;
      ahead += ms - HOUR;
      await backupScheduler.look();
      assert.equal((await newest())?.id, before, 'it began too early');
      ahead += HOUR;
      await backupScheduler.look();
      const job = await newest();
      assert.notEqual(job?.id, before, 'it did not begin');
      return ended(api, job.id);
    };
    // the newest one can't be read with the stored passphrase, which doesn't count as an incident
    const own = await backUp(api, { passphrase: 'a separate passphrase' });
    assert.equal((await api.patch('/backups/plan', { monthlyTest: true })).status, 200);
    const good = await due(30 * DAY);
    assert.equal(good.state, 'succeeded', JSON.stringify(good.error));
    const { lastTest } = await plan();
    assert.equal(lastTest.ok, true, lastTest.text);
    assert.notEqual(lastTest.backup, own.name);
    assert.match(lastTest.text, /^\d+ files, \d+ databases, [\d,]+ rows$/);
    const work = `.work-${good.id}`;
    await until('the folder that it unpacked to was seen', () => seen.has(work));
    assert.ok(!existsSync(path.join(folder, work)));

    const file = path.join(folder, lastTest.backup);
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, whole.length - 1));
    const bad = await due(30 * DAY);
    assert.deepEqual([bad.state, bad.error.code], ['failed', 'BACKUP_DAMAGED']);
    const failed = (await plan()).lastTest;
    assert.deepEqual([failed.ok, failed.backup], [false, lastTest.backup]);
    assert.match((await until('the incident is open', incident)).text, /can’t be restored/);
    assert.ok(!existsSync(path.join(folder, `.work-${bad.id}`)));

    await writeFile(file, whole);
    const again = await due(DAY);
    assert.equal(again.state, 'succeeded', JSON.stringify(again.error));
    assert.equal((await plan()).lastTest.ok, true);
    assert.equal((await api.get(`/backups/${again.result.backupId}`)).body.data.verifyError, null);
    assert.equal((await api.patch('/backups/plan', { monthlyTest: false })).status, 200);
  });

  test('replaces everything at the next start, and keeps what was there', async (t) => {
    const folder = await temporaryDir(t);
    await mkdir(path.join(folder, 'backups'), { recursive: true });
    await copyFile(fileOf(backup), fileOf(backup, folder));
    const first = await testDaemon(t, {}, { dataDir: folder });
    await first.api.post('/apps', { name: 'after-it' });
    const [found] = (await first.api.get('/backups')).body.data;
    assert.deepEqual([found.name, found.origin, found.version], [backup.name, 'found', null]);
    const body = { passphrase: PASSPHRASE };
    // an app of a backup that was not read yet: its job finds that the name or the prefix is taken, and stores no secret
    const { secretFile } = first.services;
    const keys = { provider: 'minio', bucket: 'b', endpoint: 'http://127.0.0.1:1', key: 'OWN', secret: 'OWN-SECRET' };
    assert.equal((await first.api.put('/apps/after-it/s3', keys)).status, 200);
    for (const [as, roomPrefix, code] of [
      ['after--it', 'zzz', 'APP_SLUG_TAKEN'],
      ['third', 'after-it', 'ROOM_PREFIX_TAKEN'],
    ]) {
      const begun = await first.api.post(`/backups/${found.id}/restore`, { ...body, app: 'second', as, roomPrefix });
      assert.equal((await ended(first.api, begun.body.data.id)).error?.code, code);
    }
    assert.equal(secretFile.get('APP_AFTER_IT_S3_KEY'), 'OWN');
    assert.deepEqual(
      secretFile.names().filter((name) => name.startsWith('APP_THIRD')),
      [],
    );
    // nor does a new app get what was left under its name
    await secretFile.set({ APP_THIRD_S3_KEY: 'LEFT', APP_THIRD_S3_SECRET: 'LEFT' });
    assert.equal((await first.api.post('/apps', { name: 'third' })).status, 201);
    const { hasKey, hasSecret } = (await first.api.get('/apps/third/s3')).body.data;
    assert.deepEqual([hasKey, hasSecret], [false, false]);
    const restore = async () => {
      const begun = await first.api.post(`/backups/${found.id}/restore`, body);
      assert.equal((await ended(first.api, begun.body.data.id)).state, 'succeeded');
    };
    await restore();
    assert.equal((await first.api.get('/backups/plan')).body.data.pendingRestore.backup, backup.name);
    assert.equal((await first.api.delete('/backups/pending-restore')).status, 204);
    assert.equal((await first.api.delete('/backups/pending-restore')).body.code, 'RESTORE_NOT_PENDING');
    await restore();
    await first.stop();
    const second = await testDaemon(t, {}, { dataDir: folder });
    const names = (await second.api.get('/apps')).body.map(({ name }: { name: string }) => name);
    assert.deepEqual(names, ['live', 'second']);
    // backups that stayed on the other machine aren't listed here, and those of this folder are
    const here = (await second.api.get('/backups')).body.data.map(({ name }: { name: string }) => name);
    assert.deepEqual(here, [backup.name]);
    const [kept = ''] = await readdir(path.join(folder, 'replaced'));
    assert.ok(existsSync(path.join(folder, 'replaced', kept, 'apps/after-it/config.yaml')));
    // one that waits for the next start isn't begun by commands of other purposes, and the one of a command replaces it
    await second.api.post('/apps', { name: 'after-it' });
    const again = (await second.api.get('/backups')).body.data.find(
      ({ name }: { name: string }) => name === found.name,
    );
    const begun = await second.api.post(`/backups/${again.id}/restore`, body);
    assert.equal((await ended(second.api, begun.body.data.id)).state, 'succeeded');
    await second.stop();
    const rollback = await streamhub(['rollback', '--data-dir', folder]);
    assert.deepEqual([rollback.code, /waits for the next start/.test(rollback.stderr)], [1, true], rollback.stdout);
    const refused = await restoreTo(fileOf(backup, folder), folder);
    assert.deepEqual([refused.code, /add --force/.test(refused.stderr)], [1, true], refused.stdout);
    assert.ok(existsSync(path.join(folder, 'apps/after-it')) && existsSync(path.join(folder, 'restore.json')));
    const { code, stdout, stderr } = await restoreTo(fileOf(backup, folder), folder, ['--force']);
    assert.deepEqual([code, /^Restored \d+ files/.test(stdout)], [0, true], stdout + stderr);
    assert.ok(!existsSync(path.join(folder, 'apps/after-it')) && !existsSync(path.join(folder, 'restore.json')));
  });

  test('goes on after a kill, and leaves no half file under its name', async (t) => {
    const folder = await temporaryDir(t);
    const first = await daemonProcess(t, folder);
    await first.api.post('/apps', { name: 'live' });
    await first.api.patch('/backups/plan', { passphrase: PASSPHRASE });
    await writeFile(path.join(folder, 'apps/live/recordings/big.mp4'), randomBytes(5_000_000));
    const begun = await first.api.post('/backups', { recordings: true });
    const names = () => readdir(path.join(folder, 'backups'));
    await until('the file is being written', async () => (await names()).some((name) => name.endsWith('.part')));
    await first.end('SIGKILL');
    // the kill can come late: what has the final name is whole
    for (const name of (await names()).filter((one) => one.startsWith('streamhub-')))
      assert.equal((await streamhub(['backup', 'verify', fileOf({ name }, folder)])).code, 0);
    const second = await daemonProcess(t, folder);
    const job = await ended(second.api, begun.body.data.id);
    assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
    assert.deepEqual(await names(), [job.result.name]);
    await second.end();
    // after a restore that is killed, the next one succeeds
    const target = await temporaryDir(t);
    const file = fileOf(job.result, folder);
    // this daemon has the default of STREAMHUB_BACKUP_WORK
    assert.match(await readFile(file, 'latin1'), /^age-encryption\.org\/v1\n-> scrypt \S+ 18\n/);
    const child = spawn(process.execPath, [BIN, 'restore', file, '--data-dir', target], {
      env: { PATH: process.env['PATH'] ?? '', STREAMHUB_BACKUP_PASSPHRASE: PASSPHRASE },
      stdio: 'ignore',
    });
    const exited = once(child, 'exit');
    await until(
      'files are being unpacked',
      () => existsSync(path.join(target, 'restore/files/apps')) || child.exitCode !== null,
    );
    child.kill('SIGKILL');
    await exited;
    const { code, stderr } = await restoreTo(file, target, ['--force']);
    assert.equal(code, 0, stderr);
    assert.equal((await stat(path.join(target, 'apps/live/recordings/big.mp4'))).size, 5_000_000);
    assert.ok(!existsSync(path.join(target, 'restore')));
  });

  test('goes to a bucket, is verified there, and is deleted there', {
    skip: typeof s3 === 'string' && s3,
  }, async () => {
    if (typeof s3 === 'string') return;
    await api.post('/apps', { name: 'bucket' });
    const bucket = await giveBucket(api, 'bucket', s3);
    const stored = await backUp(api, { destination: 'bucket', recordings: true });
    const [key = ''] = await s3.keys(bucket);
    assert.match(key, /^streamhub-backups\/[0-9a-f]+\/streamhub-/);
    assert.ok(stored.place.includes(key) && stored.sizeBytes > 300_000);
    const job = await ended(
      api,
      (await api.post(`/backups/${stored.id}/verify`, { passphrase: PASSPHRASE })).body.data.id,
    );
    assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
    assert.ok(job.result.databases >= 4 && job.result.rows > 0);
    await s3.put(bucket, [key], 'something else');
    const broken = await ended(
      api,
      (await api.post(`/backups/${stored.id}/verify`, { passphrase: PASSPHRASE })).body.data.id,
    );
    assert.deepEqual([broken.state, broken.error.code], ['failed', 'BACKUP_DAMAGED']);
    assert.match((await api.get(`/backups/${stored.id}`)).body.data.verifyError, /\S/);
    assert.equal((await api.delete(`/backups/${stored.id}`)).status, 204);
    assert.deepEqual(await s3.keys(bucket), []);
  });

  test('goes to the storage of backups, is downloaded in parts, and comes back on another machine', {
    skip: typeof s3 === 'string' && s3,
  }, async (t) => {
    if (typeof s3 === 'string') return;
    const bucket = await s3.bucket();
    const settings = bucketSettings(s3, bucket);
    const none = await api.post('/backups', { passphrase: PASSPHRASE, destination: '@storage' });
    assert.equal(none.body.code, 'BACKUP_DESTINATION_UNUSABLE');
    for (const [body, at] of [
      [{ ...settings, provider: 'local' }, 'body.provider'],
      [{ ...settings, bucket: '' }, 'body.bucket'],
      [{ ...settings, endpoint: 'http://169.254.169.254' }, 'body.endpoint'],
    ] as const) {
      const refused = await api.put('/backups/storage', body);
      assert.deepEqual([refused.status, refused.body.details?.[0]?.path], [400, at], refused.text);
    }
    assert.equal((await api.get('/backups/storage')).body.data.configured, false);
    const wrong = await api.post('/backups/storage/test', { ...settings, secret: 'not the secret' });
    assert.equal(wrong.body.data.ok, false, wrong.text);
    const put = await api.put('/backups/storage', settings);
    assert.equal(put.status, 200, put.text);
    const { configured, hasKey, hasSecret } = put.body.data;
    assert.deepEqual([configured, hasKey, hasSecret], [true, true, true]);
    const tried = await api.post('/backups/storage/test');
    assert.equal(tried.body.data.ok, true, tried.text);
    for (const text of [put.text, tried.text, (await api.get('/backups/storage')).text])
      assert.ok(!text.includes(s3.secret) && !text.includes(s3.key));
    const stored = await backUp(api, { destination: '@storage', recordings: true });
    assert.ok(stored.place.includes(bucket) && stored.destination === '@storage');
    await api.patch('/backups/plan', { destination: '@storage' });
    assert.equal((await api.delete('/backups/storage')).body.code, 'BACKUP_STORAGE_IN_USE');
    await api.patch('/backups/plan', { destination: '' });

    const download = (headers: Record<string, string> = {}, method = 'GET') =>
      fetch(`${daemon.url}/api/v1/backups/${stored.id}/file`, {
        method,
        headers: { authorization: `Bearer ${daemon.token}`, ...headers },
      });
    const bytes = async (answer: Response) => Buffer.from(await answer.arrayBuffer());
    const head = await download({}, 'HEAD');
    assert.equal(head.headers.get('content-length'), String(stored.sizeBytes));
    const whole = await bytes(await download());
    assert.equal(whole.length, stored.sizeBytes);
    const etag = head.headers.get('etag') as string;
    const rest = await download({ range: 'bytes=1000-', 'if-range': etag });
    assert.deepEqual(
      [rest.status, rest.headers.get('content-range')],
      [206, `bytes 1000-${whole.length - 1}/${whole.length}`],
    );
    assert.deepEqual(await bytes(rest), whole.subarray(1000));
    assert.deepEqual(await bytes(await download({ range: 'bytes=-7' })), whole.subarray(-7));
    assert.equal((await download({ range: 'bytes=1-', 'if-range': '"another"' })).status, 200);
    const beyond = await download({ range: `bytes=${whole.length}-` });
    assert.deepEqual([beyond.status, ((await beyond.json()) as any).code], [416, 'RANGE_NOT_SATISFIABLE']);

    // a machine that has nothing but the address and the keys
    const target = await temporaryDir(t);
    const address = ['--endpoint', s3.endpoint, '--region', s3.region];
    const keys = { STREAMHUB_BACKUP_KEY: s3.key, STREAMHUB_BACKUP_SECRET: s3.secret };
    const args = ['restore', `s3://${bucket}/streamhub-backups/`, '--data-dir', target, ...address];
    assert.match((await streamhub(args)).stderr, /set STREAMHUB_BACKUP_KEY and STREAMHUB_BACKUP_SECRET/);
    const denied = await streamhub(args, { ...keys, STREAMHUB_BACKUP_SECRET: 'not the secret' });
    assert.match(denied.stderr, /storage of the backup failed/);
    const { code, stderr } = await streamhub(args, keys);
    assert.equal(code, 0, stderr);
    assert.deepEqual(await readFile(path.join(target, 'apps/live/recordings/one.mp4')), recording);
    const verified = await streamhub(['backup', 'verify', `s3://${bucket}/${await onlyKey(bucket)}`, ...address], keys);
    assert.match(verified.stdout, /is whole: \d+ files/, verified.stderr);

    // a new installation finds it in its list, and restores it
    const other = await testDaemon(t, {}, { dataDir: await temporaryDir(t) });
    assert.equal((await other.api.put('/backups/storage', settings)).status, 200);
    const found = await until(
      'the backup is listed',
      async () => (await other.api.get('/backups')).body.data[0] as { id: number; origin: string; name: string },
    );
    assert.deepEqual([found.origin, found.name], ['found', stored.name]);
    const begun = await other.api.post(`/backups/${found.id}/restore`, {
      app: 'live',
      as: 'from-afar',
      passphrase: PASSPHRASE,
    });
    assert.equal((await ended(other.api, begun.body.data.id)).state, 'succeeded');
    assert.equal((await other.api.get('/apps/from-afar')).status, 200);

    // its keys stay as long as it is there
    const secrets = () => readFile(path.join(dataDir, 'data/secrets.json'), 'utf8');
    assert.equal((await api.delete('/backups/storage')).status, 204);
    assert.ok((await secrets()).includes('BACKUP_STORAGE_SECRET'));
    assert.equal((await api.delete(`/backups/${stored.id}`)).status, 204);
    assert.deepEqual(await s3.keys(bucket), []);
    assert.ok(!(await secrets()).includes('BACKUP_STORAGE_SECRET'));

    // the other machine can't send it any more, and what it answers isn't saved under the name of the backup
    const gone = await fetch(`${other.url}/api/v1/backups/${found.id}/file`, {
      headers: { authorization: `Bearer ${other.token}`, range: 'bytes=10-' },
    });
    assert.equal(gone.status, 502, await gone.text());
    for (const name of ['content-disposition', 'content-range', 'etag'])
      assert.equal(gone.headers.get(name), null, name);
  });

  test('made by the schedule is deleted when it is old and others are there; others never, and none by a clock that jumps', async (t) => {
    const body = { cron: '0 3 1 1 *', keepLast: 2, keepDays: 30, passphrase: PASSPHRASE };
    assert.equal((await api.patch('/backups/plan', { cron: '61 * * * *' })).status, 400);
    assert.equal((await api.patch('/backups/plan', body)).status, 200);
    const { nextAt } = (await api.get('/backups/plan')).body.data;
    assert.match(nextAt, /-01-01T03:00:00\.000Z$/);
    const insert = daemon.services.db.prepare(
      `INSERT INTO backups (name, state, origin, destination, created_at) VALUES (?, 'ready', ?, '', ?)`,
    );
    const made = async (origin: string, daysAgo: number) => {
      const name = `streamhub-${origin}-${daysAgo}.tar.zst.age`;
      insert.run(name, origin, new Date(Date.now() - daysAgo * 86_400_000).toISOString());
      await writeFile(path.join(dataDir, 'backups', name), 'x');
    };
    await made('request', 90);
    for (const daysAgo of [60, 50, 20, 45, 40, 1]) await made('schedule', daysAgo);
    // one in a storage that can't be reached keeps no other
    daemon.services.db
      .prepare("UPDATE backups SET destination = '@storage', object_key = 'k', place_json = ? WHERE name LIKE '%-45.%'")
      .run(JSON.stringify({ provider: 'gone', bucket: 'b', settings: {} }));
    // so many newer ones that a list doesn't show them all
    daemon.services.db.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
      INSERT INTO backups (name, state, origin, destination, created_at)
        SELECT 'streamhub-many-' || i, 'ready', 'found', '', '2026-01-01T00:00:00.000Z' FROM n`);
    assert.equal((await api.patch('/backups/plan', { cron: null })).body.data.nextAt, null);
    const clock = Date.now;
    const jumped = t.mock.method(Date, 'now', () => clock() + 25 * DAY);
    const { backupScheduler } = daemon.services;
    await assert.rejects(backupScheduler.look(), { code: 'STORAGE_PROVIDER_UNKNOWN' });
    jumped.mock.restore();
    daemon.services.db.exec("DELETE FROM backups WHERE name LIKE '%-45.%' OR name LIKE 'streamhub-many-%'");
    const names = (await readdir(path.join(dataDir, 'backups'))).filter((name) => /-(?:request|schedule)-/.test(name));
    assert.deepEqual(
      names.sort(),
      ['request-90', 'schedule-1', 'schedule-20', 'schedule-40', 'schedule-45'].map(
        (one) => `streamhub-${one}.tar.zst.age`,
      ),
    );
    const listed = (await api.get('/backups')).body.data.map(({ name }: { name: string }) => name);
    assert.ok(
      names.every((name) => listed.includes(name) || name.includes('-45.')) &&
        !listed.includes('streamhub-schedule-50.tar.zst.age'),
    );
  });

  test('of the schedule that can’t begin is an incident with the reason', async (t) => {
    const { backupScheduler } = daemon.services;
    await api.post('/apps', { name: 'keeper' });
    const keys = { provider: 'minio', bucket: 'b', endpoint: 'http://127.0.0.1:1', key: 'K', secret: 'SECRET' };
    assert.equal((await api.put('/apps/keeper/s3', keys)).status, 200);
    const plan = { cron: '0 3 1 1 *', destination: 'keeper', passphrase: PASSPHRASE };
    assert.equal((await api.patch('/backups/plan', plan)).status, 200);
    assert.equal((await api.delete('/apps/keeper')).status, 200);
    const clock = Date.now;
    t.mock.method(Date, 'now', () => clock() + 370 * DAY);
    await backupScheduler.look();
    await until('an incident says why', async () => {
      const { data } = (await api.get('/incidents?state=open')).body;
      return data.some(({ text }: { text: string }) =>
        /^A backup was due.* of keeper: there is no such app/.test(text),
      );
    });
    assert.equal((await api.patch('/backups/plan', { cron: null, destination: '' })).status, 200);
  });

  test('of the schedule that is cancelled does not begin again before its next time', async (t) => {
    const { backupScheduler } = daemon.services;
    await api.patch('/backups/plan', { cron: '0 3 1 1 *', passphrase: PASSPHRASE });
    const clock = Date.now;
    t.mock.method(Date, 'now', () => clock() + 370 * DAY);
    const newest = async () => (await api.get('/jobs?kind=backup-create&limit=1')).body.data[0];
    await backupScheduler.look();
    const begun = await newest();
    assert.equal((await api.post(`/jobs/${begun.id}/cancel`)).body.data?.state, 'cancelled');
    await backupScheduler.look();
    assert.equal((await newest()).id, begun.id);
    assert.equal((await api.patch('/backups/plan', { cron: null })).body.data.nextAt, null);
  });

  test('says that the disk is full, is made once there is room, and is not restored over a mount', {
    skip: noMountNamespace(),
  }, async (t) => {
    assert.deepEqual(await runInMountNamespace(t, 'backup-on-full-disk.ts'), {
      full: { state: 'waiting', code: 'STORAGE_FULL' },
      names: [],
      later: 'succeeded',
      across: { code: 'RESTORE_ACROSS_DISKS', pendingRestore: null, left: false },
    });
  });
});
