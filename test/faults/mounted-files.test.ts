import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { daemonProcess, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';

const RAW = '/apps/live/config/raw';
const text = (note: string) => `name: live\nroom_prefix: live\ntranscoding: {}\n# ${note}\n`;
const NOBODY = 65_534;

/** Why this machine cannot provoke it, or false. */
function lacks(command: string, ...args: string[]): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return false;
  } catch {
    return `${command} ${args.join(' ')} is not possible here`;
  }
}

/** Mounts a copy of each file over it while the work runs. The mounts end first, so that the folder can be removed. */
async function withOwnMounts(files: readonly string[], outside: string, work: () => Promise<void>): Promise<void> {
  const mounted: string[] = [];
  try {
    for (const file of files) {
      const copy = path.join(outside, path.basename(file));
      await writeFile(copy, await readFile(file));
      execFileSync('mount', ['--bind', copy, file]);
      mounted.push(file);
    }
    await work();
  } finally {
    for (const file of mounted) execFileSync('umount', ['-l', file]);
  }
}

const noMount = lacks('unshare', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt');

describe('a file that is mounted by itself', { skip: noMount }, () => {
  it('config.yaml and secrets.json are backed up and written in place', async (t) => {
    const daemon = await testDaemon(t);
    await daemon.api.put('/apps/live/s3', { key: 'AAAABBBBCCCCDDDD', secret: 'first' });
    const outside = await temporaryDir(t);
    const files = ['apps/live/config.yaml', 'data/secrets.json'].map((file) => path.join(daemon.dataDir, file));
    await withOwnMounts(files, outside, async () => {
      await daemon.api.post('/apps/live/reload');
      const raw = (await daemon.api.get(RAW)).body.data;
      assert.deepEqual([raw.writable, raw.writeProblem], [true, null]);
      for (const note of ['a longer text than before', 'short']) {
        const put = await daemon.api.put(RAW, { yaml: text(note) });
        assert.equal(put.status, 200, put.text);
        assert.equal(await readFile(path.join(outside, 'config.yaml'), 'utf8'), text(note));
        assert.equal((await daemon.api.get(RAW)).body.data.yaml, text(note));
      }
      const put = await daemon.api.put('/apps/live/s3', { key: 'AAAABBBBCCCCEEEE', secret: 'second', bucket: 'other' });
      assert.equal(put.status, 200, put.text);
      const stored = JSON.parse(await readFile(path.join(outside, 'secrets.json'), 'utf8'));
      assert.equal(stored.APP_LIVE_S3_SECRET, 'second');
      assert.equal((await daemon.api.get('/apps/live/config/backups')).body.data.length, 3);
      for (const folder of ['apps/live', 'data']) {
        const names = await readdir(path.join(daemon.dataDir, folder));
        assert.deepEqual(
          names.filter((name) => /\.(?:tmp|redo)$/.test(name)),
          [],
        );
      }
    });
  });

  it('that is mounted read-only is shown as read-only before anyone types', async (t) => {
    const daemon = await testDaemon(t);
    const file = path.join(daemon.dataDir, 'apps/live/config.yaml');
    const before = await readFile(file, 'utf8');
    await withOwnMounts([file], await temporaryDir(t), async () => {
      execFileSync('mount', ['-o', 'remount,ro,bind', file]);
      await daemon.api.post('/apps/live/reload');
      const { writable, writeProblem } = (await daemon.api.get(RAW)).body.data;
      assert.deepEqual([writable, writeProblem.code], [false, 'FILE_READ_ONLY']);
      assert.ok(writeProblem.message.includes(file) && writeProblem.message.includes('EROFS'), writeProblem.message);
      for (const answer of [
        await daemon.api.put(RAW, { yaml: text('never') }),
        await daemon.api.patch('/apps/live', { displayName: 'never' }),
      ]) {
        assert.deepEqual([answer.status, answer.body.code], [409, 'FILE_READ_ONLY']);
        assert.ok(answer.body.message.includes(file) && answer.body.hint, answer.text);
      }
      assert.equal(await readFile(file, 'utf8'), before);
    });
  });
});

const noAttributes = lacks('sh', '-c', 'f=$(mktemp) && chattr +i "$f" && chattr -i "$f" && rm "$f"');

describe('a protected file', { skip: noAttributes }, () => {
  it('that is immutable is shown as read-only, and a write names the cure', async (t) => {
    const daemon = await testDaemon(t);
    const file = path.join(daemon.dataDir, 'apps/live/config.yaml');
    execFileSync('chattr', ['+i', file]);
    try {
      const raw = (await daemon.api.get(RAW)).body.data;
      assert.deepEqual([raw.writable, raw.writeProblem?.code], [false, 'FILE_PROTECTED']);
      const put = await daemon.api.put(RAW, { yaml: text('never') });
      assert.deepEqual([put.status, put.body.code], [409, 'FILE_PROTECTED']);
      assert.match(put.body.hint, /chattr -i/);
      assert.deepEqual((await daemon.api.get('/apps/live/config/backups')).body.data, []);
    } finally {
      execFileSync('chattr', ['-i', file]);
    }
    assert.equal((await daemon.api.put(RAW, { yaml: text('now') })).status, 200);
  });
});

describe('files of another owner', { skip: process.getuid?.() === 0 ? false : 'needs root' }, () => {
  it('are told as unreadable, with the user and the command, and never deleted', async (t) => {
    const dataDir = await temporaryDir(t);
    await chown(dataDir, NOBODY, NOBODY);
    const daemon = await daemonProcess(t, dataDir, { HOME: dataDir }, [], undefined, NOBODY);
    const { api } = daemon;
    for (const name of ['restored', 'kept']) assert.equal((await api.post('/apps', { name })).status, 201);
    await daemon.end();
    const folder = path.join(dataDir, 'apps/restored');
    await chown(folder, 0, 0);
    await chmod(folder, 0o700);

    const again = await daemonProcess(t, dataDir, { HOME: dataDir }, [], undefined, NOBODY);
    for (const [method, url, body] of [
      ['GET', '/apps/restored/config/raw'],
      ['GET', '/apps/restored/vods'],
      ['GET', '/apps/restored/sizes'],
      ['GET', '/apps/restored/config/backups'],
      ['PATCH', '/apps/restored', { displayName: 'x' }],
      ['PUT', '/apps/restored/config/raw', { yaml: text('x').replaceAll('live', 'restored') }],
      ['DELETE', '/apps/restored'],
      ['DELETE', '/apps/restored?deleteVods=true'],
    ] as const) {
      const answer = await again.api.call(method, url, body);
      const note = `${method} ${url}: ${answer.text}`;
      assert.deepEqual([answer.status, answer.body.code], [409, 'FILE_ACCESS_DENIED'], note);
      const { message, hint } = answer.body;
      assert.ok(message.includes('EACCES') && message.includes(`uid ${NOBODY}`) && message.includes(folder), note);
      assert.match(hint, /chown -R \S+ \S*apps\/restored /, note);
      assert.doesNotMatch(`${message} ${hint}`, /missing|delete the app/, note);
    }
    const app = (await again.api.get('/apps')).body.find((one: { name: string }) => one.name === 'restored');
    const problems = JSON.stringify(app.problems);
    assert.match(problems, /EACCES/);
    assert.match(problems, /chown/);
    assert.ok(!problems.includes(dataDir), problems);
    assert.equal((await again.api.get('/apps/kept/vods')).status, 200);

    // a folder inside: its recordings must not be lost with the app
    await chown(folder, NOBODY, NOBODY);
    const recordings = path.join(folder, 'recordings');
    await chown(recordings, 0, 0);
    await chmod(recordings, 0o700);
    const kept = await again.api.delete('/apps/restored?deleteVods=true');
    assert.deepEqual([kept.status, kept.body.code], [409, 'FILE_ACCESS_DENIED'], kept.text);
    assert.ok(kept.body.message.includes(recordings), kept.text);
    await chown(recordings, NOBODY, NOBODY);
    const back = await again.api.post('/apps/restored/reload');
    assert.equal(back.status, 200, back.text);
    assert.equal((await again.api.get('/apps/restored')).body.problems, undefined);
    assert.equal((await again.api.delete('/apps/restored')).status, 200);
    await again.end();

    await writeFile(path.join(dataDir, 'streamhub.env'), 'LOG_LEVEL=info\n', { mode: 0o600 });
    await assert.rejects(
      daemonProcess(t, dataDir, { HOME: dataDir }, [], undefined, NOBODY),
      new RegExp(`streamhub\\.env cannot be read \\(EACCES\\): .*uid ${NOBODY}.* chown -R `),
    );
  });

  it('a data folder that can’t be made: the folder above it stays as it is', async (t) => {
    const above = await temporaryDir(t);
    await chown(above, 0, 0);
    await chmod(above, 0o755);
    const start = daemonProcess(t, path.join(above, 'streamhub'), { HOME: above }, [], undefined, NOBODY);
    await assert.rejects(start, ({ message }: Error) => {
      assert.match(message, new RegExp(`uid ${NOBODY}.* install -d -o \\S+ -m 700 ${above}/streamhub`));
      assert.doesNotMatch(message, /chown/);
      return true;
    });
  });

  it('a lock of another owner stops the start, also where the folder is of another owner', async (t) => {
    const dataDir = await temporaryDir(t);
    await chown(dataDir, NOBODY, NOBODY);
    const start = () => daemonProcess(t, dataDir, { HOME: dataDir }, [], undefined, NOBODY);
    await (await start()).end();
    const folder = path.join(dataDir, 'data');
    const lock = path.join(folder, 'daemon.lock');
    const refused = (file: string) =>
      assert.rejects(start(), new RegExp(`uid ${NOBODY}.* access to ${file} .* chown -R \\S+ ${file} `));
    await chown(lock, 0, 0);
    await refused(lock);
    await chown(lock, NOBODY, NOBODY);
    await chown(folder, 0, 0);
    await refused(folder);
    await chown(folder, NOBODY, NOBODY);
    await (await start()).end();
  });
});

it('a config that cannot be replaced because a folder is in the way names it', async (t) => {
  const daemon = await testDaemon(t);
  const file = path.join(daemon.dataDir, 'apps/live/config.yaml');
  await rm(file);
  await mkdir(file);
  await daemon.api.post('/apps/live/reload');
  const put = await daemon.api.put(RAW, { yaml: text('x') });
  assert.deepEqual([put.status, put.body.code], [409, 'FILE_PATH_UNUSABLE']);
  assert.ok(put.body.message.includes(file));
});
