import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { type Answer, sharedDaemon } from '#test/helpers/daemon.ts';
import { type FsCall, refuseFiles } from '#test/helpers/fs-faults.ts';
import { addVods } from '#test/helpers/recordings.ts';

const ERRNOS = [
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'EIO',
  'ESTALE',
  'ENOTDIR',
  'EISDIR',
  'ELOOP',
];
const text = (note: string) => `name: live\nroom_prefix: live\ndisplay_name: ${note}\ntranscoding: {}\n`;

/** An answer that says what is wrong, or none of the fault's. */
function coded({ status, body, text: words }: Answer, note: string): void {
  assert.ok(status < 500 || [503, 507].includes(status), `${note}: ${status} ${words}`);
  assert.notEqual(body?.code, 'INTERNAL', `${note}: ${words}`);
}

describe('what a store refuses is answered with a code, for each kind of route', () => {
  const daemon = sharedDaemon({ STREAMHUB_CONSOLE_BUILD: 'off' });
  const local = async (): Promise<number> => {
    await writeFile(path.join(daemon.dataDir, 'apps/live/recordings/one.mp4'), 'picture');
    const [id] = addVods(daemon.dataDir, 'live', [{}]);
    const db = new Database(path.join(daemon.dataDir, 'apps/live/app.db'), { timeout: 5000 });
    db.prepare("UPDATE vods SET local_path = 'recordings/one.mp4' WHERE id = ?").run(id);
    db.close();
    return id as number;
  };
  let n = 0;
  const writes: Record<string, () => Promise<Answer>> = {
    token: () => daemon.api.post('/tokens', { name: `t${++n}`, scope: 'global' }),
    ban: () => daemon.api.post('/security/bans', { ip: `203.0.113.${++n}`, seconds: 60 }),
    rule: () => daemon.api.post('/security/rules', { cidr: `198.51.100.${++n}/32`, action: 'allow' }),
    app: () => daemon.api.post('/apps', { name: `app-${++n}` }),
    rename: () => daemon.api.patch('/apps/live', { displayName: `n${++n}` }),
    config: () => daemon.api.put('/apps/live/config/raw', { yaml: text(`c${++n}`) }),
    s3: () => daemon.api.put('/apps/live/s3', { bucket: `bucket-${++n}` }),
    preset: () => daemon.api.post(`/apps/live/presets/${n++ % 2 ? 'low-latency' : 'recording'}/apply`),
    callbacks: () => daemon.api.post('/apps/live/callbacks/redeliver', {}),
  };
  const reads = [
    '/apps',
    '/tokens',
    '/audit',
    '/apps/live/vods',
    '/apps/live/streams',
    '/apps/live/config/raw',
    '/stats',
  ];

  for (const store of ['registry', 'app.db'] as const) {
    const handle = () => (store === 'registry' ? daemon.services.db : daemon.services.databases.get('live'));
    const file = () => path.join(daemon.dataDir, store === 'registry' ? 'data/streamhub.db' : 'apps/live/app.db');
    const faults: Record<string, () => () => void> = {
      'takes no writes': () => {
        handle().pragma('query_only = ON');
        return () => handle().pragma('query_only = OFF');
      },
      'is locked by another program': () => {
        const other = new Database(file(), { timeout: 5000 });
        other.exec('BEGIN IMMEDIATE');
        return () => other.close();
      },
    };
    for (const [fault, begin] of Object.entries(faults))
      it(`${store} ${fault}: writes are coded, reads work, and both work afterwards`, async () => {
        const end = begin();
        try {
          const before = (await daemon.api.get('/apps/live/config/raw')).body.data.yaml;
          for (const [name, write] of Object.entries(writes)) coded(await write(), name);
          if (store === 'registry')
            assert.equal(
              (await daemon.api.get('/apps/live/config/raw')).body.data.yaml,
              before,
              'a refused change is none',
            );
          for (const url of reads) assert.equal((await daemon.api.get(url)).status, 200, url);
          if (store === 'registry') assert.equal((await writes['token']?.())?.status, 503);
        } finally {
          end();
        }
        for (const name of ['token', 'ban', 'rule', 'app', 'rename', 'config', 's3']) {
          const answer = await writes[name]?.();
          assert.ok([200, 201].includes(answer?.status ?? 0), `${name} afterwards: ${answer?.text}`);
        }
      });
  }

  const FILES: Record<string, { calls: FsCall[]; matches: RegExp; run(): Promise<Answer> }> = {
    'a recording of the app’s folder, its link': {
      calls: ['realpath', 'stat'],
      matches: /recordings/,
      run: async () => daemon.api.get(`/apps/live/vods/${await local()}`),
    },
    'the console’s files': {
      calls: ['stat', 'readdir', 'readFile'],
      matches: /out\/console/,
      run: () => daemon.api.get('//'),
    },
  };
  for (const [name, { calls, matches, run }] of Object.entries(FILES))
    it(`${name}, with each of ${ERRNOS.length} errnos`, async () => {
      for (const errno of ERRNOS) {
        const fault = refuseFiles(errno, calls, matches);
        try {
          coded(await run(), errno);
        } finally {
          fault.end();
        }
      }
    });

  it('a recording that the storage’s worker may not delete stays, with the reason', async (t) => {
    const folder = path.join(daemon.dataDir, 'apps/live/recordings');
    const id = await local();
    try {
      execFileSync('chattr', ['+i', folder], { stdio: 'ignore' });
    } catch {
      t.skip('this machine cannot make a folder immutable (chattr +i)');
      return;
    }
    try {
      const refused = await daemon.api.delete(`/apps/live/vods/${id}`);
      assert.ok(refused.status >= 400, refused.text);
      assert.notEqual(refused.body.code, 'INTERNAL', refused.text);
      assert.equal((await daemon.api.get(`/apps/live/vods/${id}`)).status, 200);
    } finally {
      execFileSync('chattr', ['-i', folder]);
    }
    assert.equal((await daemon.api.delete(`/apps/live/vods/${id}`)).status, 204);
  });
});
