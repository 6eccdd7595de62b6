import { failure, IpcFailure } from '../ipc/failure.ts';

interface SystemError extends Error {
  code?: string;
  errors?: SystemError[];
  reason?: string;
}

const UNREACHABLE = new Set([
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EACCES',
  'EPERM',
]);
const SLOW = new Set(['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** A failure on the way to a daemon, in the words of the contract. */
export function networkFailure(error: unknown, host: string, seconds: number): IpcFailure {
  if (error instanceof IpcFailure) return error;
  const met = first(error as SystemError);
  const code = met.code ?? '';
  const more = { cause: error };
  if (code === 'ENOTFOUND')
    return failure(
      'NAME_NOT_RESOLVED',
      { host },
      { ...more, hint: 'Check the spelling, and that this machine is online.' },
    );
  if (code === 'EAI_AGAIN')
    return failure(
      'NAME_NOT_RESOLVED',
      { host },
      { ...more, hint: 'No DNS server responded. Check that this machine is online.' },
    );
  if (code === 'ECONNREFUSED')
    return failure(
      'CONNECTION_REFUSED',
      { host },
      {
        ...more,
        hint: 'Check that the daemon runs there on this port, and that it listens on more than loopback (HOST).',
      },
    );
  if (UNREACHABLE.has(code))
    return failure(
      'HOST_UNREACHABLE',
      { host, reason: code },
      { ...more, hint: 'Check that this machine is online, and whether you need a VPN.' },
    );
  if (SLOW.has(code) || met.name === 'TimeoutError')
    return failure(
      'TIMED_OUT',
      { host, seconds },
      { ...more, hint: 'A firewall may be dropping the packets, or the machine is overloaded.' },
    );
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_'))
    return failure(
      'TLS_FAILED',
      { host, reason: met.reason ?? code },
      { ...more, hint: 'The other side may use plain HTTP on this port: try http://.' },
    );
  if (code.startsWith('HPE_') || met.name === 'HTTPParserError')
    return failure(
      'NOT_STREAMHUB',
      { url: host, reason: 'it does not speak HTTP' },
      { ...more, hint: 'Another program uses this port. Check the host and port.' },
    );
  return failure(
    'CONNECTION_LOST',
    { host, reason: met.message || code || 'no reason given' },
    { ...more, hint: 'The daemon may be restarting. If it uses TLS, the address must start with https://.' },
  );
}

/** Several addresses of one host each fail in their own way; the first says enough. */
function first(error: SystemError): SystemError {
  const cause = error.cause as SystemError | undefined;
  if (error.errors?.[0] !== undefined) return first(error.errors[0]);
  if (error.code === undefined && cause?.code !== undefined) return first(cause);
  return error;
}
