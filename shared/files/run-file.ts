import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** The file in which a daemon writes its address: `data/daemon.json` below its DATA_DIR. */
export interface RunFile {
  url: string;
  pid: number;
  version: string;
  /** SHA-256 of its certificate, as `AB:CD:…`, where it serves HTTPS: the certificate is for another name than this address. */
  fingerprint?: string;
}

/** Where the daemon of this DATA_DIR listens; undefined if the file is missing, damaged, or names another machine. */
export async function readRunFile(dataDir: string): Promise<RunFile | undefined> {
  try {
    const found = JSON.parse(await readFile(path.join(dataDir, 'data', 'daemon.json'), 'utf8')) as Partial<RunFile>;
    const { url, pid, version, fingerprint } = found;
    if (typeof url !== 'string' || typeof pid !== 'number' || typeof version !== 'string') return undefined;
    // a daemon of this machine listens on this machine: a changed file must not send the token elsewhere
    const { protocol, hostname } = new URL(url);
    if (!['127.0.0.1', '[::1]', 'localhost'].includes(hostname)) return undefined;
    if (protocol === 'http:') return { url, pid, version };
    return protocol === 'https:' && typeof fingerprint === 'string' ? { url, pid, version, fingerprint } : undefined;
  } catch {
    return undefined;
  }
}

/** Is a process with this id running? */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
