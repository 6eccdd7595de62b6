/** What may be shown of an access key: its last four characters, when it has at least twelve. */
export function maskKey(key: string): string {
  if (key === '') return '';
  return key.length >= 12 ? `****${key.slice(-4)}` : '****';
}

/** Nothing of a secret is ever shown. */
export function maskSecret(secret: string): string {
  return secret === '' ? '' : '****';
}

/** Is it a mask that was shown in place of a credential, by this daemon or an older one? It must never be stored. */
export function looksMasked(text: string): boolean {
  return /^\*{3,}/.test(text) || /^.{2}\*{3}.{2}$/.test(text);
}
