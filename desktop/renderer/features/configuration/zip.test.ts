import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { checked, readChosen } from './folder-files.ts';
import { unzip, zip } from './zip.ts';

const LIMITS = { entries: 100, bytes: 1_000_000 };
const files = [
  { path: 'apps/live/config.yaml', text: 'name: live\n' },
  { path: 'teams.yaml', text: '- name: Größe ✓\n' },
];
const asFile = (name: string, content: Uint8Array<ArrayBuffer>): File => new File([content], name);

/** The same archive with its one file deflated. */
function deflated(text: string): Uint8Array<ArrayBuffer> {
  const packed = deflateRawSync(text);
  const stored = zip([{ path: 'a.yaml', text: 'x'.repeat(packed.length) }]);
  const view = new DataView(stored.buffer);
  stored.set(packed, 30 + 'a.yaml'.length);
  view.setUint16(8, 8, true);
  view.setUint16(30 + 'a.yaml'.length + packed.length + 10, 8, true);
  return stored;
}

test('what is packed is read again, stored and deflated', async () => {
  const found = await unzip(zip(files), () => true, LIMITS);
  assert.deepEqual(
    found.map(({ path, content }) => ({ path, text: new TextDecoder().decode(content) })),
    files,
  );
  const [one] = await unzip(deflated('name: live\n'.repeat(1000)), () => true, LIMITS);
  assert.equal(new TextDecoder().decode(one?.content), 'name: live\n'.repeat(1000));
});

test('an archive that unpacks to more than the limit is refused before it is unpacked', async () => {
  const bomb = deflated('a'.repeat(50_000_000));
  assert.ok(bomb.length < 100_000);
  await assert.rejects(
    unzip(bomb, () => true, LIMITS),
    /too large/,
  );
  await assert.rejects(readChosen([asFile('studio.zip', bomb)]), /too large/);
});

test('too many files, damaged and foreign archives are refused', async () => {
  const many = zip(Array.from({ length: 101 }, (_, index) => ({ path: `${index}.yaml`, text: '' })));
  await assert.rejects(
    unzip(many, () => true, LIMITS),
    /more than 100 files/,
  );
  const whole = zip(files);
  for (const length of [0, 10, 40, whole.length - 30])
    await assert.rejects(
      unzip(whole.slice(0, length), () => true, LIMITS),
      /not a zip archive/,
    );
  const wrong = zip(files);
  new DataView(wrong.buffer).setUint32(wrong.length - 6, 0xfffffff0, true);
  await assert.rejects(
    unzip(wrong, () => true, LIMITS),
    /not a zip archive/,
  );
});

test('paths out of the folder are refused, and the folder around all files is left out', async () => {
  for (const path of ['../teams.yaml', '/etc/teams.yaml', 'apps/../../teams.yaml', 'apps\\live\\config.yaml'])
    assert.throws(() => checked([{ path, text: '' }]), /outside of the folder/, path);
  const inFolder = files.map(({ path, text }) => ({ path: `studio/${path}`, text }));
  const others = [
    { path: '__MACOSX/studio/teams.yaml', text: '' },
    { path: 'studio/.git/a.yaml', text: '' },
    { path: 'studio/README.md', text: '' },
  ];
  assert.deepEqual(await readChosen([asFile('studio.zip', zip([...inFolder, ...others]))]), files);
  assert.deepEqual(checked([files[0] as never]), [files[0]]);
  await assert.rejects(readChosen([asFile('notes.txt', new Uint8Array(3))]), /no YAML files/);
  await assert.rejects(readChosen([asFile('a.yaml', Uint8Array.from([0xff, 0xfe]))]), /UTF-8/);
});
