import { hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { writeAtomicallySync } from '#shared/files/atomic-file.ts';

/** What signs sessions: STREAMHUB_JWT_SECRET, else a secret of the daemon's own that is made once and kept with mode 600. */
export class SessionSecret {
  readonly origin: 'environment' | 'file';
  readonly #bytes: Buffer;

  constructor(configured: string, dataFolder: string) {
    const isSet = configured.trim() !== '';
    this.origin = isSet ? 'environment' : 'file';
    this.#bytes = Buffer.from(isSet ? configured : ownSecret(path.join(dataFolder, 'session-secret')));
  }

  /** Weak secrets can be guessed from one token. */
  get isShort(): boolean {
    return this.#bytes.length < 32;
  }

  signingKey(): Uint8Array {
    return new Uint8Array(this.#bytes);
  }

  /** A 256-bit key for another use, which tells nothing about the signing key. */
  derive(use: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#bytes, Buffer.alloc(0), `streamhub ${use}`, 32));
  }
}

function ownSecret(file: string): string {
  try {
    const kept = readFileSync(file, 'utf8').trim();
    if (kept.length >= 43) return kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const secret = randomBytes(32).toString('base64url');
  writeAtomicallySync(file, `${secret}\n`);
  return secret;
}
