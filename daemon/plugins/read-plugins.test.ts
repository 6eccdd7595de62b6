import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { BUILT_IN_PROVIDERS } from '#shared/config/schema.ts';
import { readPlugins } from './read-plugins.ts';
import type { PluginRecord } from './records.ts';

const BUILT_IN = path.resolve(import.meta.dirname, '../../plugins');
const PRESET = 'id: mine\ntitle: Mine\ndescription: What it does.\nuseCase: Me.\npatch:\n  rtmp:\n    enabled: false\n';

test('the built-in plugins are right', async () => {
  const records = await readPlugins([{ dir: BUILT_IN, origin: 'built-in' }]);
  assert.deepEqual(
    records.filter((record) => record.state === 'failed' || record.warnings.length > 0),
    [],
  );
  assert.deepEqual(
    records.flatMap((record) => record.presets.map((preset) => preset.id)),
    ['low-latency', 'high-quality-recording', 'mass-audience-HLS'],
  );
  assert.deepEqual(
    records.flatMap((record) => record.providers.map((provider) => provider.id)).sort(),
    [...BUILT_IN_PROVIDERS].sort(),
  );
});

describe('installed plugins', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-plugins-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const add = async (folder: string, manifest: unknown, files: Record<string, string> = {}) => {
    await mkdir(path.join(dir, folder), { recursive: true });
    const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
    await writeFile(path.join(dir, folder, 'plugin.json'), text);
    for (const [name, content] of Object.entries(files)) await writeFile(path.join(dir, folder, name), content);
  };
  const manifest = (more: object = {}) => ({
    id: 'mine',
    version: '1.0.0',
    api: '^1.0.0',
    title: 'Mine',
    contributes: { presets: ['mine.yaml'] },
    ...more,
  });
  const read = async (): Promise<PluginRecord> => {
    const records = await readPlugins([{ dir, origin: 'installed' }]);
    assert.equal(records.length, 1);
    return records[0] as PluginRecord;
  };

  test('a folder that does not exist holds none', async () => {
    assert.deepEqual(await readPlugins([{ dir: path.join(dir, 'nowhere'), origin: 'installed' }]), []);
  });

  test('a folder with a manifest and a preset is verified', async () => {
    await add('mine', manifest(), { 'mine.yaml': PRESET });
    const record = await read();
    assert.equal(record.state, 'verified', record.reason ?? '');
    assert.equal(record.presets[0]?.id, 'mine');
  });

  test('a single preset file is a plugin', async () => {
    await writeFile(path.join(dir, 'evening.yaml'), PRESET);
    const record = await read();
    assert.equal(record.state, 'verified', record.reason ?? '');
    assert.deepEqual([record.id, record.title, record.presets[0]?.id], ['evening', 'Mine', 'mine']);
  });

  test('other files and folders are no plugins', async () => {
    await writeFile(path.join(dir, 'README.md'), 'hello');
    await mkdir(path.join(dir, 'empty'));
    assert.deepEqual(await readPlugins([{ dir, origin: 'installed' }]), []);
  });

  test('unknown keys of a manifest are warnings', async () => {
    await add('mine', manifest({ colour: 'red' }), { 'mine.yaml': PRESET });
    const record = await read();
    assert.equal(record.state, 'verified');
    assert.match(record.warnings.map((warning) => warning.key).join(), /colour/);
  });

  const refused: [name: string, manifest: unknown, files: Record<string, string>, reason: RegExp][] = [
    ['broken JSON', '{"id": "mine"', {}, /not valid JSON/],
    ['a list for a manifest', '[]', {}, /must be object/],
    ['no title', manifest({ title: undefined }), { 'mine.yaml': PRESET }, /title/],
    ['a wrong id', manifest({ id: '../mine' }), { 'mine.yaml': PRESET }, /id/],
    ['another API version', manifest({ api: '^2.0.0' }), { 'mine.yaml': PRESET }, /plugin API \^2\.0\.0/],
    ['a range that is none', manifest({ api: 'latest and greatest' }), { 'mine.yaml': PRESET }, /not a version range/],
    ['a missing preset file', manifest(), {}, /mine\.yaml does not exist/],
    ['a path that climbs', manifest({ contributes: { presets: ['../mine.yaml'] } }), {}, /presets/],
    [
      'a provider without code',
      manifest({ contributes: { storageProviders: [{ id: 'xx', title: 'X' }] } }),
      {},
      /need an entry/,
    ],
    ['an unreadable preset', manifest(), { 'mine.yaml': 'id: [' }, /mine\.yaml: line/],
    [
      'a preset that sets nothing',
      manifest(),
      { 'mine.yaml': PRESET.replace(/patch:[\s\S]*/, 'patch: {}') },
      /patch sets nothing/,
    ],
    ['a preset with an unknown key', manifest(), { 'mine.yaml': `${PRESET}more: 1\n` }, /unknown keys: more/],
    [
      'a preset with null',
      manifest(),
      { 'mine.yaml': PRESET.replace('false', 'null') },
      /patch\.rtmp\.enabled is null/,
    ],
    [
      'an alias bomb',
      manifest(),
      { 'mine.yaml': `${PRESET}a: &a [x]\nb: &b [${'*a,'.repeat(200)}]\n` },
      /mine\.yaml: /,
    ],
    ['a preset that is too large', manifest(), { 'mine.yaml': `${PRESET}# ${'x'.repeat(70_000)}` }, /larger than/],
  ];
  for (const [name, text, files, reason] of refused) {
    test(`${name} keeps a plugin out, and says why`, async () => {
      await add('mine', text, files);
      const record = await read();
      assert.equal(record.state, 'failed');
      assert.match(record.reason ?? '', reason);
      assert.deepEqual(record.presets, []);
      assert.doesNotMatch(record.reason ?? '', new RegExp(dir));
    });
  }

  test('a link that leads out of the folder keeps a plugin out', async () => {
    await writeFile(path.join(dir, 'outside.yml.txt'), PRESET);
    await add('mine', manifest());
    await symlink(path.join(dir, 'outside.yml.txt'), path.join(dir, 'mine', 'mine.yaml'));
    const record = await read();
    assert.match(record.reason ?? '', /leads out/);
  });

  test('of two plugins with one preset the first keeps it', async () => {
    await add('a', manifest({ id: 'first' }), { 'mine.yaml': PRESET });
    await add('b', manifest({ id: 'second' }), { 'mine.yaml': PRESET });
    const records = await readPlugins([{ dir, origin: 'installed' }]);
    assert.deepEqual(
      records.map((record) => record.state),
      ['verified', 'failed'],
    );
    assert.match(records[1]?.reason ?? '', /preset mine already belongs to the plugin first/);
  });

  test('a plugin cannot take the place of a built-in one', async () => {
    await writeFile(path.join(dir, 'fake.yaml'), PRESET.replace('id: mine', 'id: low-latency'));
    const records = await readPlugins([
      { dir: BUILT_IN, origin: 'built-in' },
      { dir, origin: 'installed' },
    ]);
    const fake = records.find((record) => record.id === 'fake');
    assert.equal(fake?.state, 'failed');
    assert.match(fake?.reason ?? '', /belongs to the plugin presets/);
  });
});

test('the link to the SDK that authors have is no fault, and not to be read', async (t) => {
  const root = await mkdtemp(path.join(os.tmpdir(), 'streamhub-plugins-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const dir = path.join(root, 'mine');
  await mkdir(path.join(dir, 'node_modules/other'), { recursive: true });
  await symlink(BUILT_IN, path.join(dir, 'node_modules/streamhub'));
  await writeFile(path.join(dir, 'index.mjs'), 'export default {};');
  const contributes = { storageProviders: [{ id: 'xx', title: 'X' }] };
  const manifest = { id: 'mine', version: '1.0.0', api: '^1.0.0', title: 'Mine', entry: 'index.mjs', contributes };
  await writeFile(path.join(dir, 'plugin.json'), JSON.stringify(manifest));
  const [record] = await readPlugins([{ dir: root, origin: 'installed' }]);
  assert.equal(record?.reason, null);
  assert.deepEqual(record?.readable.map((place) => path.relative(dir, place)).sort(), [
    'index.mjs',
    'node_modules/other',
    'plugin.json',
  ]);
});
