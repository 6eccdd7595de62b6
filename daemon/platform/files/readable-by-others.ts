import { statSync } from 'node:fs';

/**
 * Can other users of this machine read or change a file with secrets? Its group may read it where another user owns it: root can
 * give a file to the daemon's group only (`root:streamhub`, mode 640). Always false on Windows, which has no such mode.
 */
export function isReadableByOthers(file: string): boolean {
  if (process.platform === 'win32') return false;
  const info = statSync(file, { throwIfNoEntry: false });
  if (info === undefined) return false;
  const { mode, uid, gid } = info;
  const isGiven = uid === 0 && process.getuid?.() !== 0 && gid !== 0 && process.getgid?.() === gid;
  return (mode & (isGiven ? 0o027 : 0o077)) !== 0;
}
