import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { type GenerateResult, generate } from 'selfsigned';

export interface TestCertificate {
  key: string;
  cert: string;
  /** SHA-256, as `AB:CD:…`. */
  fingerprint: string;
}

interface Wanted {
  /** DNS names; the address 127.0.0.1 is always among the names unless `names` is given. */
  names?: string[];
  validFrom?: Date;
  validTo?: Date;
  signedBy?: TestCertificate;
  authority?: boolean;
}

const DAY = 86_400_000;

/** Makes a key and a certificate, signed by itself by default. */
export async function makeCertificate(commonName: string, wanted: Wanted = {}): Promise<TestCertificate> {
  const made: GenerateResult = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: wanted.validFrom ?? new Date(Date.now() - DAY),
    notAfterDate: wanted.validTo ?? new Date(Date.now() + DAY),
    extensions: [
      { name: 'basicConstraints', cA: wanted.authority ?? false, critical: true },
      wanted.authority
        ? { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true }
        : { name: 'keyUsage', digitalSignature: true, critical: true },
      {
        name: 'subjectAltName',
        altNames: wanted.names
          ? wanted.names.map((value) => ({ type: 2 as const, value }))
          : [
              { type: 7, ip: '127.0.0.1' },
              { type: 2, value: 'localhost' },
            ],
      },
    ],
    ...(wanted.signedBy ? { ca: { key: wanted.signedBy.key, cert: wanted.signedBy.cert } } : {}),
  });
  return { key: made.private, cert: made.cert, fingerprint: new X509Certificate(made.cert).fingerprint256 };
}

export interface TlsFront {
  url: string;
  port: number;
  /** Bytes that came in decrypted, to see that nothing was sent. */
  received(): string;
  use(certificate: TestCertificate): void;
  close(): Promise<void>;
}

/** A real TLS end in front of a plain server, as a reverse proxy would be. */
export async function tlsFront(
  t: { after(fn: () => unknown): void },
  target: string,
  certificate: TestCertificate,
): Promise<TlsFront> {
  const { hostname, port } = new URL(target);
  let received = '';
  const sockets = new Set<net.Socket>();
  const server = tls.createServer({ key: certificate.key, cert: certificate.cert }, (client) => {
    const inner = net.connect(Number(port), hostname);
    for (const socket of [client, inner]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        inner.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
    });
    client.pipe(inner).pipe(client);
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  t.after(close);
  return {
    url: `https://127.0.0.1:${bound}`,
    port: bound,
    received: () => received,
    use: ({ key, cert }) => server.setSecureContext({ key, cert }),
    close,
  };
}
