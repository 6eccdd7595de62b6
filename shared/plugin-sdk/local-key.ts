/** Longest name that file systems take, bytes. */
const MAX_NAME_BYTES = 255;

/**
 * Is it the key of an object below an app's folder? At least one folder and a name, so that the app's own files
 * (`config.yaml`, `app.db` and what belongs to them) are never objects; no `.`, `..`, empty or overlong part.
 */
export function isLocalKey(key: string): boolean {
  if (key.length > 1024 || /[\0\\]/.test(key)) return false;
  const parts = key.split('/');
  return (
    parts.length >= 2 &&
    !key.endsWith('.streamhub-part') &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= MAX_NAME_BYTES)
  );
}
