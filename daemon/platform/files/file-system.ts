import { statfsSync } from 'node:fs';
import type { InstallationWarnings } from '../warnings.ts';

/** Magic numbers of file systems that lie on another machine; from statfs(2) and linux/magic.h. */
const NETWORK: Readonly<Record<number, string>> = {
  26985: 'NFS',
  20859: 'SMB',
  4283649346: 'SMB',
  4266872130: 'SMB',
  16914839: '9p',
  12805120: 'CephFS',
  1397113167: 'AFS',
  1937076805: 'Coda',
  198183888: 'Lustre',
  1196443219: 'GPFS',
  1702057286: 'FUSE',
};
const OVERLAY = 0x794c7630;

/** Magic number of the file system that holds a folder; undefined where the system does not tell. */
function typeOf(folder: string): number | undefined {
  try {
    return process.platform === 'linux' ? statfsSync(folder).type >>> 0 : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Warns when the data folder is on a file system where databases are at risk. SQLite's write-ahead log needs shared
 * memory and locks that network file systems do not promise (https://www.sqlite.org/wal.html, "Overview").
 * @param type magic number, for tests
 */
export function warnAboutFileSystem(
  folder: string,
  warnings: InstallationWarnings,
  type: number | undefined = typeOf(folder),
): void {
  if (type === undefined) return;
  const network = NETWORK[type];
  if (network !== undefined) {
    warnings.add(
      'DATA_DIR_ON_NETWORK',
      folder,
      `DATA_DIR ${folder} is on ${network}. Databases on a network file system can be damaged when the connection breaks or a second machine writes. Move DATA_DIR to a local disk.`,
    );
  } else if (type === OVERLAY) {
    warnings.add(
      'DATA_DIR_IN_CONTAINER',
      folder,
      `DATA_DIR ${folder} is in the container's own layer. Everything in it is lost when the container is replaced. Mount a volume there.`,
    );
  }
}
