import { StorageError } from './storage-error.ts';

/** Host of a URL, an IPv6 address without its brackets. */
export function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[|\]$/g, '');
}

/** Translates an error of Node's network layers (or one wrapped around it); undefined when it is none. */
export function networkError(error: unknown, depth = 0): StorageError | undefined {
  if (error instanceof StorageError) return error;
  if (typeof error !== 'object' || error === null || depth > 4) return undefined;
  const { code, name, cause, errors } = error as NodeJS.ErrnoException & { cause?: unknown; errors?: unknown[] };
  if (name === 'AbortError') return new StorageError('ABORTED');
  const own = typeof code === 'string' ? byCode(code) : undefined;
  if (own) return own;
  const inner = networkError(cause, depth + 1) ?? networkError(errors?.[0], depth + 1);
  return inner ?? (name === 'TimeoutError' ? new StorageError('TIMEOUT') : undefined);
}

function byCode(code: string): StorageError | undefined {
  const native = code;
  if (['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_FAIL'].includes(code))
    return new StorageError('HOST_UNKNOWN', { native });
  if (['ETIMEDOUT', 'ESOCKETTIMEDOUT'].includes(code)) return new StorageError('TIMEOUT', { native });
  if (code.startsWith('PROXY_')) return new StorageError('PROXY_FAILED', { native });
  if (/CERT|^UNABLE_TO_/.test(code)) return new StorageError('CERTIFICATE_REFUSED', { native });
  if (code === 'EPROTO' || /^ERR_(SSL|TLS)/.test(code)) return new StorageError('TLS_FAILED', { native });
  if (/^E(CONN|HOST|NET|PIPE|ADDR|SOCKET)/.test(code)) return new StorageError('UNREACHABLE', { native });
  return undefined;
}
