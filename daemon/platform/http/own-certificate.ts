import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import type { Background, Repeated } from '../background.ts';
import { isReadableByOthers } from '../files/readable-by-others.ts';
import type { Log } from '../log.ts';
import type { Settings } from '../settings.ts';
import type { InstallationWarnings } from '../warnings.ts';

const LOOK_MS = 5000;
const UNUSABLE = 'TLS_FILES_UNUSABLE';
const READABLE = 'TLS_KEY_READABLE';

interface Pair {
  cert: string;
  key: string;
  /** Of the first certificate, which is the server's. */
  leaf: X509Certificate;
}

export interface OwnCertificateDeps {
  settings: Pick<Settings, 'tlsCert' | 'tlsKey'>;
  warnings: InstallationWarnings;
  background: Background;
  log: Log<'info'>;
}

/**
 * The certificate of the daemon's own listener, from the files of TLS_CERT and TLS_KEY. They are read again after they change;
 * a pair that can't be used becomes a warning, and the one before it stays in use.
 */
export class OwnCertificate {
  readonly #deps: OwnCertificateDeps;
  readonly #files: readonly [cert: string, key: string];
  #pair: Pair;
  /** What the files looked like when they were last read. */
  #read: string;
  #seen: string;
  #timer: Repeated | undefined;

  /** @throws Error that names the setting, if the files can't be used */
  constructor(deps: OwnCertificateDeps) {
    const { tlsCert, tlsKey } = deps.settings;
    this.#deps = deps;
    this.#files = [path.resolve(tlsCert), path.resolve(tlsKey)];
    this.#read = this.#seen = this.#stamp();
    this.#pair = readPair(...this.#files);
  }

  /** For `https.createServer`. HTTP/2 isn't offered. */
  get options(): { cert: string; key: string; minVersion: tls.SecureVersion } {
    const { cert, key } = this.#pair;
    return { cert, key, minVersion: 'TLSv1.2' };
  }

  /** When it ends, milliseconds since 1970. */
  get endsAt(): number {
    return this.#pair.leaf.validToDate.getTime();
  }

  /** SHA-256, as `AB:CD:…`. */
  get fingerprint(): string {
    return this.#pair.leaf.fingerprint256;
  }

  /**
   * Watches the files for the server. Connections that are open go on; new ones get the new certificate.
   * @param onRenewed called after another certificate is in use
   */
  watch(server: tls.Server, onRenewed: () => unknown): void {
    this.#warnOfMode();
    this.#timer = this.#deps.background.every('TLS certificate', LOOK_MS, async () => {
      const stamp = this.#stamp();
      // certificate and key are written one after the other: read them once they stay as they are
      const isStill = stamp === this.#seen;
      this.#seen = stamp;
      if (!isStill || stamp === this.#read) return;
      if (this.#reload(server)) await onRenewed();
    });
  }

  async stop(): Promise<void> {
    await this.#timer?.stop();
  }

  #reload(server: tls.Server): boolean {
    const { warnings, log } = this.#deps;
    this.#read = this.#seen;
    this.#warnOfMode();
    warnings.remove(UNUSABLE, 'TLS_CERT');
    try {
      this.#pair = readPair(...this.#files);
    } catch (error) {
      const { message } = error as Error;
      warnings.add(UNUSABLE, 'TLS_CERT', `${message}. The daemon still uses the certificate that it had before.`);
      return false;
    }
    server.setSecureContext(this.options);
    log.info({ ends: new Date(this.endsAt).toISOString() }, 'the daemon uses another TLS certificate');
    return true;
  }

  #warnOfMode(): void {
    const [, key] = this.#files;
    const { warnings } = this.#deps;
    if (isReadableByOthers(key))
      warnings.add(
        READABLE,
        'TLS_KEY',
        `Other users of this machine can read or change the key file of TLS_KEY. Run: chmod 600 '${key}'`,
      );
    else warnings.remove(READABLE, 'TLS_KEY');
  }

  /** Changes with either file, through links too. */
  #stamp(): string {
    return this.#files
      .map((file) => {
        const info = statSync(file, { throwIfNoEntry: false });
        return info === undefined ? 'none' : `${info.ino} ${info.size} ${info.mtimeMs} ${info.mode}`;
      })
      .join(' / ');
  }
}

/** @throws Error whose message names the setting and what is wrong with its file, and never quotes it */
function readPair(certFile: string, keyFile: string): Pair {
  const cert = read('TLS_CERT', certFile);
  const key = read('TLS_KEY', keyFile);
  const leaf = attempt('TLS_CERT: the file contains no certificate in PEM format', () => new X509Certificate(cert));
  const privateKey = attempt('TLS_KEY: the file contains no private key in PEM format, or one with a passphrase', () =>
    createPrivateKey(key),
  );
  if (!leaf.checkPrivateKey(privateKey))
    throw new Error('TLS_KEY: the key does not belong to the first certificate of TLS_CERT');
  attempt('TLS_CERT: the chain of certificates can’t be used', () => tls.createSecureContext({ cert, key }));
  return { cert, key, leaf };
}

function read(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'EACCES'
          ? 'may not be read by the daemon’s user'
          : `can’t be read (${code})`;
    throw new Error(`${name}: the file ${why}`);
  }
}

function attempt<T>(problem: string, make: () => T): T {
  try {
    return make();
  } catch {
    throw new Error(problem);
  }
}
