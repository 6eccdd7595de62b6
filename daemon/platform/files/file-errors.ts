import { accessSync, constants, existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ApiError, type ErrorCode } from '#shared/errors.ts';

/** Which code the API answers with for each errno, and for SQLite's names of the same faults. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'STORAGE_FULL',
  EDQUOT: 'STORAGE_FULL',
  SQLITE_FULL: 'STORAGE_FULL',
  EROFS: 'FILE_READ_ONLY',
  SQLITE_READONLY: 'DATABASE_READ_ONLY',
  SQLITE_BUSY: 'DATABASE_BUSY',
  SQLITE_LOCKED: 'DATABASE_BUSY',
  SQLITE_PROTOCOL: 'DATABASE_BUSY',
  SQLITE_CORRUPT: 'DATABASE_DAMAGED',
  SQLITE_NOTADB: 'DATABASE_DAMAGED',
  EACCES: 'FILE_ACCESS_DENIED',
  SQLITE_CANTOPEN: 'FILE_ACCESS_DENIED',
  SQLITE_PERM: 'FILE_ACCESS_DENIED',
  EPERM: 'FILE_PROTECTED',
  EBUSY: 'FILE_IN_USE',
  ETXTBSY: 'FILE_IN_USE',
  EXDEV: 'FILE_IN_USE',
  EAGAIN: 'FILE_IN_USE',
  EDEADLK: 'FILE_IN_USE',
  ENOLCK: 'FILE_IN_USE',
  EMFILE: 'TOO_MANY_OPEN_FILES',
  ENFILE: 'TOO_MANY_OPEN_FILES',
  EIO: 'DISK_FAILED',
  ENXIO: 'DISK_FAILED',
  ENODEV: 'DISK_FAILED',
  ESTALE: 'DISK_FAILED',
  ETIMEDOUT: 'DISK_FAILED',
  EHOSTDOWN: 'DISK_FAILED',
  ENOTCONN: 'DISK_FAILED',
  EREMOTEIO: 'DISK_FAILED',
  EBADMSG: 'DISK_FAILED',
  EUCLEAN: 'DISK_FAILED',
  SQLITE_IOERR: 'DISK_FAILED',
  ENAMETOOLONG: 'FILE_PATH_UNUSABLE',
  ELOOP: 'FILE_PATH_UNUSABLE',
  ENOTDIR: 'FILE_PATH_UNUSABLE',
  EISDIR: 'FILE_PATH_UNUSABLE',
  ENOENT: 'FILE_PATH_UNUSABLE',
  EEXIST: 'FILE_PATH_UNUSABLE',
  ENOTEMPTY: 'FILE_PATH_UNUSABLE',
  EMLINK: 'FILE_PATH_UNUSABLE',
  EINVAL: 'FILE_PATH_UNUSABLE',
  EFBIG: 'FILE_PATH_UNUSABLE',
};

/** What is wrong with a path, for FILE_PATH_UNUSABLE. */
const REASONS: Readonly<Record<string, string>> = {
  ENAMETOOLONG: 'its name is longer than the file system allows',
  ELOOP: 'its symbolic links lead in a circle',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EISDIR: 'it is a folder, not a file',
  ENOENT: 'it, or the folder for it, does not exist',
  EEXIST: 'something else already has that name',
  ENOTEMPTY: 'the folder is not empty',
  EMLINK: 'the folder holds too many entries',
  EINVAL: 'the file system does not support this',
  EFBIG: 'it would be larger than the file system or the process limit allows',
};

/** System calls of files. Errors of others, such as `connect`, are not about files even if the errno is the same. */
const FILE_CALLS =
  /^(?:f?access|f?chmod|f?chown|lchown|copyfile|cp|f?datasync|fsync|ftruncate|truncate|futime|utime|lutime|link|symlink|readlink|realpath|mkdir|mkdtemp|rmdir|unlink|rm|rename|open|opendir|scandir|close|read|write|f?stat|lstat|statfs|watch)$/;
/** These also come from sockets whose system calls are `read` and `write`. */
const OF_SOCKETS = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ECONNREFUSED']);

/** An answer about a file, and the paths that it names. */
class FileError extends ApiError {
  readonly file: string | undefined;

  constructor(code: ErrorCode, params: Record<string, string>, more: { cause: unknown; hint?: string; file?: string }) {
    super(code, params, {
      cause: more.cause,
      ...(more.hint === undefined ? {} : { hint: more.hint }),
      ...(code === 'DATABASE_BUSY' ? { headers: { 'retry-after': '1' } } : {}),
    });
    this.file = more.file;
  }
}

/**
 * What the API answers when the system refuses a file operation. This is the only place where an errno becomes an error code.
 * @param file the file that was meant, where the error does not name it
 * @returns undefined for an error that says nothing about files
 */
export function fileError(error: unknown, file?: string): ApiError | undefined {
  if (error instanceof FileError) return error;
  const facts = factsOf(error);
  if (facts === undefined) return undefined;
  const { errno } = facts;
  const found = CODES[errno] ?? CODES[errno.replace(/^(SQLITE_[A-Z]+)_.*$/, '$1')];
  const place = file ?? facts.file;
  const code = found ?? 'FILE_REFUSED';
  const params = {
    file: place ?? 'a file of the daemon',
    errno,
    user: daemonUser().shown,
    reason: REASONS[errno] ?? 'the system refuses it',
  };
  const hint = code === 'FILE_ACCESS_DENIED' && place !== undefined ? accessCure(place, facts.call) : undefined;
  return new FileError(code, params, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
    ...(place === undefined ? {} : { file: place }),
  });
}

/** The system's code, call and file of a failed file operation. */
function factsOf(error: unknown): { errno: string; call?: string | undefined; file: string | undefined } | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, syscall, path: file, dest } = error as NodeJS.ErrnoException & { dest?: string };
  if (typeof code !== 'string') {
    // an error from another thread keeps only its message
    const words = /^(E[A-Z0-9]+): [^,]+, (\w+)(?: '([^']+)')?(?: -> '([^']+)')?/.exec(error.message);
    if (words === null || !FILE_CALLS.test(words[2] ?? '')) return undefined;
    return { errno: words[1] ?? '', call: words[2], file: meantFile(words[4] ?? words[3]) };
  }
  if (/^SQLITE_(?:FULL|READONLY|CANTOPEN|PERM|IOERR|BUSY|LOCKED|PROTOCOL|CORRUPT|NOTADB)/.test(code))
    return { errno: code, file };
  if (!/^E[A-Z0-9]+$/.test(code) || OF_SOCKETS.has(code)) return undefined;
  const isOfFile = typeof file === 'string' || (syscall !== undefined && FILE_CALLS.test(syscall));
  const isFull = CODES[code] === 'STORAGE_FULL' || CODES[code] === 'TOO_MANY_OPEN_FILES';
  return isOfFile || isFull ? { errno: code, call: syscall, file: meantFile(dest ?? file) } : undefined;
}

/** The target of a temporary file. */
const meantFile = (file: string | undefined): string | undefined =>
  file?.replace(/\.([^/\\]+)\.[0-9a-f]{12}\.(?:tmp|redo)$/, '$1');

/** How to give the daemon's user access: the command for the first part of the path that refuses it. */
function accessCure(file: string, call: string | undefined): string {
  const { name } = daemonUser();
  const { obstacle, isOnTheWay, isThere } = firstObstacle(path.resolve(file));
  if (isOnTheWay)
    return `Let ${name} pass through ${obstacle}, for example with: setfacl -m u:${name}:x ${quoted(obstacle)}`;
  // the folder that it would be in can be one of the system
  if (!isThere && call === 'mkdir')
    return `As root on that machine, make the folder: install -d -o ${name} -m 700 ${quoted(path.resolve(file))}`;
  if (!isThere)
    return `Let ${name} write to ${obstacle}, for example with: setfacl -m u:${name}:rwx ${quoted(obstacle)}`;
  return `As root on that machine, run: chown -R ${name} ${quoted(obstacle)} && chmod -R u+rwX ${quoted(obstacle)}. Nothing was changed or deleted.`;
}

/** The first folder on the way that cannot be entered; else the file, if it cannot be read or changed; else its folder. */
function firstObstacle(file: string): { obstacle: string; isOnTheWay: boolean; isThere: boolean } {
  let at = path.parse(file).root;
  const parts = path.relative(at, path.dirname(file)).split(path.sep).filter(Boolean);
  for (const [index, part] of parts.entries()) {
    at = path.join(at, part);
    if (!existsSync(at)) return { obstacle: path.dirname(at), isOnTheWay: false, isThere: false };
    if (!isAllowed(at, constants.X_OK)) return { obstacle: at, isOnTheWay: index < parts.length - 2, isThere: true };
  }
  const isThere = existsSync(file);
  const isRefused = isThere && !isAllowed(file, constants.R_OK | constants.W_OK);
  return { obstacle: isRefused ? file : at, isOnTheWay: false, isThere };
}

function isAllowed(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}

/** The account that the daemon runs as. */
function daemonUser(): { name: string; shown: string } {
  const uid = process.geteuid?.();
  try {
    const { username } = os.userInfo();
    return { name: username, shown: uid === undefined ? username : `${username} (uid ${uid})` };
  } catch {
    return { name: String(uid), shown: `uid ${uid}` };
  }
}

const quoted = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** For `catch`: the value if there is no such file; any other error is thrown. Unreadable isn't missing. */
export const ifMissing =
  <T>(value: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
