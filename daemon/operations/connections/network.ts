import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { isCertificateFailure, networkFailure } from '#daemon/platform/net/network-failures.ts';
import { hostOf } from '#shared/plugin-sdk/network-error.ts';
import { StepFailure } from './steps.ts';

export interface Address {
  /** A name, or an IP address without brackets. */
  host: string;
  port: number;
  isSecure: boolean;
}

/** Address of a URL; the port is that of its scheme unless it names one. */
export function addressOf(url: string, ports: { plain: number; secure: number }): Address {
  const { port, protocol } = new URL(url);
  const isSecure = ['https:', 'wss:', 'rediss:'].includes(protocol);
  return {
    host: hostOf(url),
    port: Number(port || (isSecure ? ports.secure : ports.plain)),
    isSecure,
  };
}

/** @throws StepFailure */
export async function resolveHost({ host }: Address, variable: string): Promise<string> {
  if (isIP(host)) return `${host} is an address.`;
  try {
    const found = await lookup(host, { all: true });
    return `${host} is ${found
      .slice(0, 4)
      .map(({ address }) => address)
      .join(', ')}.`;
  } catch (error) {
    const reason = networkFailure((error as NodeJS.ErrnoException).code) ?? 'its name cannot be resolved';
    throw new StepFailure(
      `${host}: ${reason}.`,
      `Correct the host in ${variable}, or check this machine’s DNS server.`,
    );
  }
}

/** Connects, over TLS where the address asks for it. The caller ends the socket. @throws StepFailure */
export function openSocket({ host, port, isSecure }: Address, variable: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket: Socket = isSecure
      ? connectTls({ host, port, servername: isIP(host) ? '' : host })
      : connectTcp({ host, port });
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      socket.removeAllListeners('error');
      // anyone who uses it hears of the end by what is missing
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      socket.destroy();
      const reason = networkFailure(code) ?? code ?? 'it cannot be reached';
      reject(
        new StepFailure(
          `${host}, port ${port}: ${reason}.`,
          isCertificateFailure(code)
            ? `Add the authority of the certificate to this machine (update-ca-certificates or NODE_EXTRA_CA_CERTS) and restart the daemon, or use the name in the certificate in ${variable}.`
            : `Start the server, open port ${port} in the firewall, or correct ${variable}.`,
        ),
      );
    });
    socket.setTimeout(10_000, () => socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
  });
}

/** Connects and hangs up. @throws StepFailure */
export async function tryAddress(address: Address, variable: string): Promise<string> {
  (await openSocket(address, variable)).destroy();
  return `Connected to port ${address.port}${address.isSecure ? ' over TLS' : ', not encrypted'}.`;
}
