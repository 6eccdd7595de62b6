import { hash, randomUUID, timingSafeEqual } from 'node:crypto';
import { fieldError } from '#shared/errors.ts';

export const newUserId = (): string => `usr_${randomUUID()}`;
export const normalEmail = (text: string): string => text.trim().toLowerCase();

/** @throws ApiError VALIDATION_FAILED */
export function checkedEmail(text: string, path = 'body.email'): string {
  const email = normalEmail(text);
  if (!/^[^\s@<>()[\],;:"\\]+@[^\s@<>()[\],;:"\\]+$/.test(email) || email.length > 200)
    throw fieldError(path, 'is not an email address');
  return email;
}

/** Compares in a time that does not depend on where the texts differ. */
export const same = (a: string, b: string): boolean =>
  timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'));
