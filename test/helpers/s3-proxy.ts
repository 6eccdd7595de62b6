import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An answer that a proxy gives in the storage's place. */
export interface ProxyAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

/** A rule between the daemon and an S3 server: passes a request on, or answers it. */
export type Intercept = (request: IncomingMessage) => ProxyAnswer | undefined | Promise<ProxyAnswer | undefined>;

export const isDeletion = ({ method, url = '' }: IncomingMessage): boolean =>
  method === 'DELETE' || isBulkDeletion({ method, url });
export const isBulkDeletion = ({ method, url = '' }: Pick<IncomingMessage, 'method' | 'url'>): boolean =>
  method === 'POST' && /[?&]delete\b/.test(url);

/** An S3 error in the form that all services share. */
export const s3Error = (status: number, code: string, requestId = 'req0123456789'): ProxyAnswer => ({
  status,
  headers: { 'content-type': 'application/xml', 'x-amz-request-id': requestId },
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message><RequestId>${requestId}</RequestId></Error>`,
});

/** A gateway's own page, as nginx and others show it while the storage behind it is away. */
export const gatewayPage = (status: number): ProxyAnswer => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: `<html><head><title>${status}</title></head><body><center><h1>${status} Bad Gateway</h1></center><hr></body></html>`,
});

/** As strict as Backblaze B2: 400 for checksums of the AWS SDK, and for a bulk deletion without Content-MD5. */
export const likeBackblaze: Intercept = (request) => {
  const names = Object.keys(request.headers);
  const isChecksum = names.some((name) => /^x-amz-(?:sdk-checksum|checksum-|trailer$)/.test(name));
  const lacksMd5 = isBulkDeletion(request) && request.headers['content-md5'] === undefined;
  return isChecksum || lacksMd5 ? s3Error(400, 'InvalidArgument') : undefined;
};

/** Starts a proxy before an S3 server; it ends with the test. @returns its address */
export const s3Proxy = async (...given: Parameters<typeof s3ProxyServer>): Promise<string> =>
  addressOf(await s3ProxyServer(...given));

export const addressOf = (server: http.Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** The same; answers with the server, which can be closed and listen again. */
export async function s3ProxyServer(
  t: { after(fn: () => unknown): void },
  endpoint: string,
  intercept: Intercept,
): Promise<http.Server> {
  const { hostname, port } = new URL(endpoint);
  const server = http.createServer(async (request, response) => {
    const answer = await intercept(request);
    if (response.destroyed) return;
    if (answer !== undefined) {
      request.resume();
      response.writeHead(answer.status, answer.headers).end(request.method === 'HEAD' ? undefined : answer.body);
      return;
    }
    // the signature holds for the host that was asked
    const { method, url, headers } = request;
    const onward = http.request({ host: hostname, port, method, path: url, headers }, (given) => {
      response.writeHead(given.statusCode ?? 502, given.headers);
      given.pipe(response);
    });
    onward.on('error', () => response.destroy());
    // the server would wait for the rest of a request whose client has gone
    response.on('close', () => !response.writableFinished && onward.destroy());
    request.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return server;
}
