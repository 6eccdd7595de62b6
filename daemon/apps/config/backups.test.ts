import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { recoverFile } from '#shared/files/atomic-file.ts';
import { backupIds, listBackups, pruneBackups, readBackup, takeBackup } from './backups.ts';
import { CONFIG_NAME, readConfigFile, readStamp } from './config-file.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-backups-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('backups', () => {
  const now = new Date('2026-06-30T18:45:00.123Z');
  it('are named by the millisecond, also several in one and after the clock went back', async () => {
    const ids = [
      await takeBackup(dir, 'a', now),
      await takeBackup(dir, 'b', now),
      await takeBackup(dir, 'c', new Date(0)),
    ];
    assert.deepEqual(ids, ['20260630T184500123Z', '20260630T184500124Z', '20260630T184500125Z']);
    assert.deepEqual(await Promise.all(ids.map((ts) => readBackup(dir, ts))), ['a', 'b', 'c']);
    assert.deepEqual(await backupIds(dir), ids.toReversed());
  });
  it('carry over the end of a minute and a year', async () => {
    await takeBackup(dir, 'a', new Date('2026-12-31T23:59:59.999Z'));
    assert.equal(await takeBackup(dir, 'b', new Date(0)), '20270101T000000000Z');
  });
  it('keep the newest twenty, the spared one and files of others', async () => {
    for (let i = 0; i < 23; i += 1) await takeBackup(dir, String(i), new Date(now.getTime() + i));
    await writeFile(path.join(dir, 'config.yaml.bak.mine'), 'x');
    const ids = (await backupIds(dir)).filter((ts) => ts !== 'mine');
    const oldest = ids.at(-1);
    const gone = await pruneBackups(dir, oldest);
    assert.deepEqual(gone.toSorted(), ids.slice(20, 22).toSorted());
    assert.deepEqual((await backupIds(dir)).toSorted(), ['mine', ...ids.slice(0, 20), oldest].toSorted());
  });
  it('are listed newest first, without folders', async () => {
    await takeBackup(dir, 'ä', now);
    await takeBackup(dir, '', now);
    await mkdir(path.join(dir, 'config.yaml.bak.folder'));
    const list = await listBackups(dir);
    assert.deepEqual(
      list.map(({ file, ts, sizeBytes }) => [file, ts, sizeBytes]),
      [
        ['config.yaml.bak.20260630T184500124Z', '20260630T184500124Z', 0],
        ['config.yaml.bak.20260630T184500123Z', '20260630T184500123Z', 2],
      ],
    );
  });
  it('are read by id only', async () => {
    await writeFile(path.join(dir, 'secret'), 'x');
    for (const ts of ['../secret', '..', '', 'a/b', 'none']) assert.equal(await readBackup(dir, ts), undefined);
  });
  it('leave no half-written files behind', async () => {
    await writeFile(path.join(dir, '.config.yaml.bak.1.0123456789ab.tmp'), '');
    await writeFile(path.join(dir, '.config.yaml.0123456789ab.tmp'), '');
    await writeFile(path.join(dir, '.other.tmp'), '');
    await recoverFile(path.join(dir, CONFIG_NAME));
    assert.deepEqual(await readdir(dir), ['.other.tmp']);
  });
});

describe('the config file', () => {
  const file = () => path.join(dir, 'config.yaml');
  it('is read byte for byte', async () => {
    await writeFile(file(), '\ufeffa: 1\r\n');
    const state = await readConfigFile(dir);
    assert.equal(state.kind === 'text' && state.text, '\ufeffa: 1\r\n');
    assert.equal(state.stamp, await readStamp(dir));
  });
  it('may be missing, a folder, too large or no text', async () => {
    assert.equal((await readConfigFile(dir)).kind, 'missing');
    await mkdir(file());
    assert.equal((await readConfigFile(dir)).kind, 'unusable');
    await rm(file(), { recursive: true });
    await writeFile(file(), Buffer.from([0x61, 0xff]));
    assert.match(JSON.stringify(await readConfigFile(dir)), /UTF-8/);
    await writeFile(file(), 'x'.repeat(400_001));
    assert.match(JSON.stringify(await readConfigFile(dir)), /larger/);
  });
  it('has another stamp after a change that keeps its size', async () => {
    await writeFile(file(), 'a: 1\n');
    const before = await readStamp(dir);
    await writeFile(file(), 'a: 2\n');
    await utimes(file(), new Date(), new Date(Date.now() + 1000));
    assert.notEqual(await readStamp(dir), before);
  });
});
