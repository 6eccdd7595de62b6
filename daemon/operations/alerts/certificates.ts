import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { hostOf } from '#shared/plugin-sdk/network-error.ts';

const LIMIT_MS = 5000;

/**
 * When the certificate of a server ends, milliseconds since 1970. It is only looked at: whether it is trusted is decided where it is used.
 * @param url `https://` or `wss://`
 * @returns undefined for an address without TLS, or a server that isn't reached
 */
export async function certificateEnd(url: string): Promise<number | undefined> {
  if (!URL.canParse(url)) return undefined;
  const { protocol, port } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'wss:') return undefined;
  const host = hostOf(url);
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const socket = connect({
    host,
    port: Number(port || 443),
    servername: isIP(host) === 0 ? host : '',
    // an expired or foreign certificate is what is looked for
    rejectUnauthorized: false,
  });
  AbortSignal.timeout(LIMIT_MS).addEventListener('abort', () => socket.destroy());
  socket.once('secureConnect', () => {
    const end = Date.parse(socket.getPeerCertificate().valid_to ?? '');
    resolve(Number.isNaN(end) ? undefined : end);
    socket.destroy();
  });
  socket.once('error', () => resolve(undefined));
  socket.once('close', () => resolve(undefined));
  return promise;
}
