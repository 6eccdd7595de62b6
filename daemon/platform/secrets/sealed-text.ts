import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** What a text is encrypted with. */
export interface SealKey {
  /** Secret bytes, with everything that the text belongs to. */
  material: Buffer;
  /** What the text is, so that one key opens no other texts. */
  use: string;
}

const cipherKey = ({ material, use }: SealKey, salt: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', material, salt, use, 32));

/** Salt (16 bytes; the nonce is its first 12), tag (16), ciphertext. Each text has its own key. */
export function sealText(key: SealKey, text: string): Buffer {
  const salt = randomBytes(16);
  const cipher = createCipheriv('aes-256-gcm', cipherKey(key, salt), salt.subarray(0, 12));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([salt, cipher.getAuthTag(), sealed]);
}

/** @returns undefined if the key is another one, or the text was changed */
export function openText(key: SealKey, stored: Buffer): string | undefined {
  const salt = stored.subarray(0, 16);
  try {
    const decipher = createDecipheriv('aes-256-gcm', cipherKey(key, salt), salt.subarray(0, 12));
    decipher.setAuthTag(stored.subarray(16, 32));
    return Buffer.concat([decipher.update(stored.subarray(32)), decipher.final()]).toString();
  } catch {
    return undefined;
  }
}
