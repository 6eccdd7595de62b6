import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { type Identity, type Recipient, Stanza } from 'age-encryption';

/** A higher one in a file is refused, because it would keep the processor busy for minutes. */
const MAX_WORK_FACTOR = 22;
const TAG_BYTES = 16;
const CIPHER = 'chacha20-poly1305';
const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);

/**
 * The passphrase recipient of age (https://age-encryption.org/v1#scrypt) with Node's scrypt: the library's own is JavaScript
 * and takes four times as long.
 * @param work what each guess costs, as a power of two; the program `age` uses 18. It is written into the file
 */
export function passphraseRecipient(passphrase: string, work: number): Recipient {
  return {
    async wrapFileKey(fileKey) {
      const salt = randomBytes(16);
      const key = await keyOf(passphrase, salt, work);
      const cipher = createCipheriv(CIPHER, key, Buffer.alloc(12), { authTagLength: TAG_BYTES });
      const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
      return [new Stanza(['scrypt', salt.toString('base64').replace(/=+$/, ''), String(work)], body)];
    },
  };
}

/** Opens what `passphraseRecipient`, or the program `age`, has encrypted. */
export function passphraseIdentity(passphrase: string): Identity {
  return {
    async unwrapFileKey(stanzas) {
      const [stanza] = stanzas;
      if (stanza?.args[0] !== 'scrypt' || stanzas.length !== 1) return null;
      const [, salt = '', factor = ''] = stanza.args;
      const bytes = Buffer.from(salt, 'base64');
      if (
        bytes.length !== 16 ||
        !/^[1-9]\d?$/.test(factor) ||
        Number(factor) > MAX_WORK_FACTOR ||
        stanza.body.length !== 32
      )
        throw new Error('invalid scrypt stanza');
      const decipher = createDecipheriv(CIPHER, await keyOf(passphrase, bytes, Number(factor)), Buffer.alloc(12), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAuthTag(stanza.body.subarray(-TAG_BYTES));
      try {
        return Buffer.concat([decipher.update(stanza.body.subarray(0, -TAG_BYTES)), decipher.final()]);
      } catch {
        return null;
      }
    },
  };
}

const keyOf = (passphrase: string, salt: Buffer, factor: number): Promise<Buffer> =>
  derive(passphrase, Buffer.concat([Buffer.from('age-encryption.org/v1/scrypt'), salt]), 32, {
    N: 2 ** factor,
    r: 8,
    p: 1,
    maxmem: 2 ** (factor + 11),
  });
