import { pipeline, Readable } from 'node:stream';
import type { ReadableStream as WebStream } from 'node:stream/web';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import { Decrypter, Encrypter } from 'age-encryption';
import { passphraseIdentity, passphraseRecipient } from './age-passphrase.ts';
import { BackupProblem, damaged } from './manifest.ts';

/**
 * Compresses with zstd and encrypts with age and a passphrase (https://age-encryption.org/v1, scrypt). Runs in workers and commands.
 * @param work see `passphraseRecipient`
 */
export async function seal(plain: AsyncIterable<Buffer>, passphrase: string, work: number): Promise<Readable> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(passphraseRecipient(passphrase, work));
  // an error of one part ends the others, and reaches the reader of the last
  const packed = pipeline(Readable.from(plain, { objectMode: false }), createZstdCompress(), () => {});
  const sealed = await encrypter.encrypt(Readable.toWeb(packed) as ReadableStream<Uint8Array>);
  return Readable.fromWeb(sealed as WebStream<Uint8Array>);
}

/**
 * Decrypts and decompresses.
 * @throws BackupProblem for a wrong passphrase, and while it is read for damage
 */
export async function* unseal(source: Readable, passphrase: string): AsyncGenerator<Buffer> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(passphraseIdentity(passphrase));
  let failure: Error | undefined;
  source.once('error', (error) => {
    failure = error;
  });
  try {
    const opened = await decrypter.decrypt(Readable.toWeb(source) as ReadableStream<Uint8Array>);
    const plain = Readable.fromWeb(opened as WebStream<Uint8Array>);
    yield* pipeline(plain, createZstdDecompress(), () => {}) as AsyncIterable<Buffer>;
  } catch (error) {
    // a file or a storage that can't be read says so itself
    if (
      failure !== undefined &&
      !(failure instanceof BackupProblem) &&
      'code' in failure &&
      failure.code !== 'ABORT_ERR'
    )
      throw failure;
    if (error instanceof BackupProblem) throw error;
    const { message } = error as Error;
    throw /no identity matched/i.test(message) ? new BackupProblem({ kind: 'passphrase' }) : damaged(reasonOf(message));
  } finally {
    source.destroy();
  }
}

function reasonOf(message: string): string {
  if (/invalid tag|HMAC|chunk is empty/i.test(message)) return 'its content was changed, or its end is missing';
  if (/zstd|frame|unexpected end/i.test(message)) return 'its end is missing';
  return 'it is not a backup of StreamHub, or its beginning was changed';
}
