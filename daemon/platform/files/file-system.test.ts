import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InstallationWarnings } from '../warnings.ts';
import { warnAboutFileSystem } from './file-system.ts';

const warningsFor = (type?: number): string[] => {
  const warnings = new InstallationWarnings({ warn: () => {} });
  if (type === undefined) warnAboutFileSystem('/proc', warnings);
  else warnAboutFileSystem('/data', warnings, type);
  return warnings.list().map(({ code, message }) => `${code}: ${message}`);
};

for (const [type, says] of [
  [0x6969, /^DATA_DIR_ON_NETWORK: DATA_DIR \/data is on NFS\. .*local disk/],
  [0xfe534d42, /on SMB/],
  [0x65735546, /on FUSE/],
  [0x794c7630, /^DATA_DIR_IN_CONTAINER: .*Mount a volume/],
] as const) {
  test(`a data folder on file system ${type.toString(16)} is warned about`, () => {
    assert.match(warningsFor(type).join(), says);
  });
}

test('local file systems are not', () => {
  assert.deepEqual(warningsFor(0xef53), []);
  assert.deepEqual(warningsFor(), []);
});
