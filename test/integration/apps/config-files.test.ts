import assert from 'node:assert/strict';
import { mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { AppFiles, nextEvent } from '#test/helpers/config.ts';
import { temporaryDir, testDaemon } from '#test/helpers/daemon.ts';

const RAW = '/apps/live/config/raw';
const text = (name: string) => `name: live\nroom_prefix: live\ndisplay_name: ${name}\ntranscoding: {}\n`;

describe('a file edited by hand', () => {
  test('is noticed, active, kept in the timeline and announced', async (t) => {
    const daemon = await testDaemon(t);
    const files = new AppFiles(daemon, 'live');
    const old = (await daemon.api.get(RAW)).body.data.yaml;
    const changed = nextEvent(daemon, 'config.changed', 'live');
    await files.write(text('By hand'));
    const event = await changed;
    assert.deepEqual([event.data.reason, event.actor?.id], ['hand-edit', 'system']);
    const { body } = await daemon.api.get(RAW);
    assert.equal(body.data.yaml, text('By hand'));
    assert.equal((await daemon.api.get('/apps/live')).body.displayName, 'By hand');
    const [backup] = (await daemon.api.get('/apps/live/config/backups')).body.data;
    assert.equal(backup.change.reason, 'hand-edit');
    assert.deepEqual(await files.backups(), [old]);
    assert.equal((await daemon.services.config.get('live')).displayName, 'By hand');
  });

  test('is noticed when an editor replaces it', async (t) => {
    const daemon = await testDaemon(t);
    const files = new AppFiles(daemon, 'live');
    await daemon.api.get(RAW);
    for (const name of ['one', 'two']) {
      const changed = nextEvent(daemon, 'config.changed', 'live');
      await writeFile(path.join(files.dir, 'config.yaml.swp'), text(name));
      await rename(path.join(files.dir, 'config.yaml.swp'), path.join(files.dir, 'config.yaml'));
      await changed;
      assert.equal((await daemon.api.get(RAW)).body.data.yaml, text(name));
    }
    // saves shortly after one another share one backup
    assert.equal((await files.backups()).length, 1);
  });

  test('that is broken changes nothing that is active, and says why', async (t) => {
    const daemon = await testDaemon(t);
    const files = new AppFiles(daemon, 'live');
    await daemon.api.put(RAW, { yaml: `${text('Good')}recording: {split_minutes: 30}\n` });
    const invalid = nextEvent(daemon, 'config.invalid', 'live');
    await files.write(`${text('Bad')}recording: {split_minutes: x}\n`);
    assert.match((await invalid).data.reason, /line 5.*split_minutes/);
    const { body } = await daemon.api.get(RAW);
    assert.match(body.data.yaml, /Bad/);
    assert.match(body.data.problem.message, /split_minutes must be a whole number/);
    assert.equal(body.data.problem.diagnostics[0].line, 5);
    const inForce = await daemon.services.config.get('live');
    assert.deepEqual([inForce.displayName, inForce.recording.splitMinutes], ['Good', 30]);
    assert.equal((await daemon.api.get('/apps/live')).body.displayName, 'Good');

    const elsewhere = await daemon.api.patch('/apps/live', { displayName: 'New' });
    assert.deepEqual([elsewhere.status, elsewhere.body.code], [409, 'CONFIG_UNREADABLE']);
    assert.equal(elsewhere.body.details[0].path, 'recording.split_minutes');
    const repaired = await daemon.api.patch('/apps/live', { splitMinutes: 45 });
    assert.deepEqual(
      [repaired.status, repaired.body.displayName, repaired.body.recording.splitMinutes],
      [200, 'Bad', 45],
    );
    assert.equal((await daemon.api.get(RAW)).body.data.problem, null);
  });

  test('that is no YAML refuses structured changes with 409 and the place', async (t) => {
    const daemon = await testDaemon(t);
    const files = new AppFiles(daemon, 'live');
    await files.write('name: [\n');
    for (const answer of [
      await daemon.api.patch('/apps/live', { displayName: 'x' }),
      await daemon.api.patch('/apps/live/config', { adaptive: false }),
      await daemon.api.post('/apps/live/config/preview', { settings: { displayName: 'x' } }),
    ]) {
      assert.deepEqual([answer.status, answer.body.code], [409, 'CONFIG_UNREADABLE']);
      assert.match(answer.body.message, /line 2/);
    }
    assert.equal(await files.read(), 'name: [\n');
    assert.equal((await daemon.api.put(RAW, { yaml: text('Whole') })).status, 200);
  });

  test('that is missing is 404, can be put again, and leaves the rest active', async (t) => {
    const daemon = await testDaemon(t);
    const files = new AppFiles(daemon, 'live');
    await daemon.api.get(RAW);
    await rm(path.join(files.dir, 'config.yaml'));
    await daemon.api.post('/apps/live/reload');
    const missing = await daemon.api.get(RAW);
    assert.deepEqual([missing.status, missing.body.code], [404, 'CONFIG_MISSING']);
    assert.equal((await daemon.api.patch('/apps/live', { displayName: 'x' })).body.code, 'CONFIG_MISSING');
    assert.equal((await daemon.api.get('/apps/live/config')).status, 200);
    assert.equal((await daemon.api.put(RAW, { yaml: text('Again') })).status, 200);
    assert.equal((await daemon.api.get('/apps/live')).body.displayName, 'Again');
    assert.deepEqual(await files.backups(), []);
  });

  test('while the daemon was stopped counts after the start', async (t) => {
    const dataDir = await temporaryDir(t);
    const first = await testDaemon(t, {}, { dataDir });
    await first.api.put(RAW, { yaml: text('Before') });
    await first.stop();
    await new AppFiles(first, 'live').write(text('Meanwhile'));
    const second = await testDaemon(t, {}, { dataDir });
    assert.equal((await second.api.get(RAW)).body.data.yaml, text('Meanwhile'));
    assert.equal((await second.api.get('/apps/live')).body.displayName, 'Meanwhile');
  });

  test('that is broken at the start: the newest valid backup counts', async (t) => {
    const dataDir = await temporaryDir(t);
    const first = await testDaemon(t, {}, { dataDir });
    await first.api.put(RAW, { yaml: `${text('Good')}recording: {split_minutes: 15}\n` });
    const noticed = nextEvent(first, 'config.invalid', 'live');
    await new AppFiles(first, 'live').write('name: [');
    await noticed;
    await first.stop();
    const second = await testDaemon(t, {}, { dataDir });
    const inForce = await second.services.config.get('live');
    assert.deepEqual([inForce.displayName, inForce.recording.splitMinutes], ['Good', 15]);
    assert.match((await second.api.get(RAW)).body.data.problem.message, /line 1/);
  });

  test('that takes another app’s room prefix is not active', async (t) => {
    const daemon = await testDaemon(t);
    await daemon.api.post('/apps', { name: 'other' });
    const invalid = nextEvent(daemon, 'config.invalid', 'live');
    await daemon.api.get(RAW);
    await new AppFiles(daemon, 'live').write('name: live\nroom_prefix: other\ntranscoding: {}\n');
    assert.match((await invalid).data.reason, /other belongs to another app/);
    assert.equal((await daemon.api.get('/apps/live')).body.livekitRoomPrefix, 'live');
    assert.equal(daemon.services.apps.registry.forRoom('other')?.name, 'other');
  });
});

describe('the file itself', () => {
  test('keeps its mode, and a link stays a link', async (t) => {
    const daemon = await testDaemon(t);
    const files = new AppFiles(daemon, 'live');
    const file = path.join(files.dir, 'config.yaml');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const elsewhere = path.join(await temporaryDir(t), 'live.yaml');
    await writeFile(elsewhere, text('Linked'), { mode: 0o640 });
    await rm(file);
    await symlink(elsewhere, file);
    await daemon.api.post('/apps/live/reload');
    assert.equal((await daemon.api.put(RAW, { yaml: text('Through') })).status, 200);
    assert.equal((await stat(elsewhere)).mode & 0o777, 0o640);
    assert.equal(await files.read(), text('Through'));
    assert.deepEqual(await readdir(path.dirname(elsewhere)), ['live.yaml']);
    assert.deepEqual(await files.backups().then((list) => list[0]), text('Linked'));
  });

  test('that is no text is backed up as it is before it is replaced', async (t) => {
    const daemon = await testDaemon(t);
    const files = new AppFiles(daemon, 'live');
    await writeFile(path.join(files.dir, 'config.yaml'), Buffer.from([0xff, 0xfe, 0x00]));
    await daemon.api.post('/apps/live/reload');
    assert.equal((await daemon.api.get(RAW)).body.code, 'CONFIG_UNREADABLE');
    assert.equal((await daemon.api.put(RAW, { yaml: text('Text') })).status, 200);
    const [backup] = (await daemon.api.get('/apps/live/config/backups')).body.data;
    assert.equal(backup.sizeBytes, 3);
  });

  test('a folder in its place is refused, nothing is lost', async (t) => {
    const daemon = await testDaemon(t);
    const files = new AppFiles(daemon, 'live');
    await rm(path.join(files.dir, 'config.yaml'));
    await mkdir(path.join(files.dir, 'config.yaml'));
    await daemon.api.post('/apps/live/reload');
    const answer = await daemon.api.put(RAW, { yaml: text('x') });
    assert.deepEqual([answer.status, answer.body.code], [409, 'FILE_PATH_UNUSABLE']);
    assert.ok((await stat(path.join(files.dir, 'config.yaml'))).isDirectory());
    assert.deepEqual(await files.leftovers(), []);
    assert.deepEqual((await daemon.api.get('/apps/live/config/backups')).body.data, []);
  });
});

describe('several writers', () => {
  test('lose no change of one another', async (t) => {
    const daemon = await testDaemon(t);
    const calls = [
      daemon.api.patch('/apps/live', { displayName: 'Together' }),
      daemon.api.patch('/apps/live', { splitMinutes: 15 }),
      daemon.api.patch('/apps/live', { snapshotSeconds: 30 }),
      daemon.api.patch('/apps/live', { features: { chat: true } }),
      daemon.api.patch('/apps/live', { features: { reactions: true } }),
      daemon.api.patch('/apps/live/config', { adaptive: false }),
      daemon.api.patch('/apps/live/config', { encoding: 'h264+vp8' }),
      daemon.api.patch('/apps/live/config', { features: { hiddenQc: false } }),
    ];
    assert.deepEqual(
      (await Promise.all(calls)).map(({ status }) => status),
      calls.map(() => 200),
    );
    const files = new AppFiles(daemon, 'live');
    const config = parse(await files.read());
    assert.deepEqual(
      [config.display_name, config.recording.split_minutes, config.recording.snapshot_seconds, config.features.chat],
      ['Together', 15, 30, true],
    );
    assert.deepEqual(
      [config.features.reactions, config.features.hidden_qc, config.webrtc.adaptive],
      [true, false, false],
    );
    assert.equal(config.transcoding.encoding, 'h264+vp8');
    assert.equal((await files.backups()).length, calls.length);
  });

  test('with one ETag: exactly one wins', async (t) => {
    const daemon = await testDaemon(t);
    const etag = (await daemon.api.get(RAW)).headers.get('etag') as string;
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => daemon.api.put(RAW, { yaml: text(`W${i}`) }, { 'if-match': etag })),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(9).fill(412)]);
    assert.equal((await new AppFiles(daemon, 'live').backups()).length, 1);
  });

  test('a write and a deletion meet in order', async (t) => {
    const daemon = await testDaemon(t);
    daemon.services.apps.markDeleting('live', true);
    const answer = await daemon.api.put(RAW, { yaml: text('late') });
    assert.deepEqual([answer.status, answer.body.code], [409, 'APP_BUSY']);
    await daemon.services.config.close('live');
    assert.equal((await daemon.api.get(RAW)).status, 200);
  });
});
