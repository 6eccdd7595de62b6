import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checked, readChosen } from './folder-files.ts';
import { unzip, zip } from './zip.ts';

const LIMITS = { entries: 100, bytes: 1_000_000 };
const files = [
  { path: 'apps/live/config.yaml', text: 'name: live\n' },
  { path: 'teams.yaml', text: '- name: Größe ✓\n' },
];
const asFile = (name: string, content: Uint8Array<ArrayBuffer>): File => new File([content], name);

/** The place of a field in the entry of the last file. */
const centralField = (archive: Uint8Array, offset: number): number =>
  Buffer.from(archive).lastIndexOf('PK\x01\x02', undefined, 'latin1') + offset;

test('what is packed is read again', () => {
  const found = unzip(zip(files), () => true, LIMITS);
  assert.deepEqual(
    found.map(({ path, content }) => ({ path, text: new TextDecoder().decode(content) })),
    files,
  );
});

test('an archive that unpacks to more than the limit is refused before it is unpacked', async () => {
  const bomb = zip([{ path: 'a.yaml', text: 'a'.repeat(50_000_000) }]);
  assert.ok(bomb.length < 100_000);
  assert.throws(() => unzip(bomb, () => true, LIMITS), /too large/);
  await assert.rejects(readChosen([asFile('studio.zip', bomb)]), /too large/);
  // one that states a smaller size doesn't get more memory than that
  new DataView(bomb.buffer).setUint32(centralField(bomb, 24), 1000, true);
  let unpacked = 0;
  try {
    unpacked = unzip(bomb, () => true, LIMITS)[0]?.content.length ?? 0;
  } catch (error) {
    assert.match(String(error), /damaged/);
  }
  assert.ok(unpacked <= 1000);
});

test('too many files, cut archives and unknown methods are refused', () => {
  const many = zip(Array.from({ length: 101 }, (_, index) => ({ path: `${index}.yaml`, text: '' })));
  assert.throws(() => unzip(many, () => true, LIMITS), /more than 100 files/);
  const whole = zip(files);
  for (const length of [0, 10, 40, whole.length - 30])
    assert.throws(() => unzip(whole.slice(0, length), () => true, LIMITS), /not a zip archive/);
  const foreign = Buffer.from(whole);
  foreign.writeUInt16LE(99, centralField(foreign, 10));
  assert.throws(() => unzip(foreign, () => true, LIMITS), /not a zip archive/);
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
