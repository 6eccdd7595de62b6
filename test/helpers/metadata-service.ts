import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an instance's metadata service knows. */
export interface MetadataService {
  endpoint: string;
  /** Null = the machine has no role. */
  role: { key: string; secret: string; sessionToken: string; expiration: string } | null;
  /** Method and path of each request. */
  asked: string[];
}

const FOLDER = '/latest/meta-data/iam/security-credentials/';
const TOKEN = 'token-of-the-metadata-service';

/**
 * The metadata service of an EC2 instance, version 2 only, on loopback, as
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html describes it.
 */
export async function metadataService(t: { after(fn: () => unknown): void }): Promise<MetadataService> {
  const service: MetadataService = { endpoint: '', role: null, asked: [] };
  const server = http.createServer(({ method, url = '', headers }, response) => {
    service.asked.push(`${method} ${url}`);
    const answer = (status: number, body = '') => response.writeHead(status).end(body);
    if (method === 'PUT' && url === '/latest/api/token')
      return headers['x-aws-ec2-metadata-token-ttl-seconds'] === undefined ? answer(400) : answer(200, TOKEN);
    if (headers['x-aws-ec2-metadata-token'] !== TOKEN) return answer(401);
    const { role } = service;
    if (role === null) return answer(404);
    if (url === FOLDER) return answer(200, 'machine');
    if (url !== `${FOLDER}machine`) return answer(404);
    const { key: AccessKeyId, secret: SecretAccessKey, sessionToken: Token, expiration: Expiration } = role;
    const more = { Code: 'Success', Type: 'AWS-HMAC', LastUpdated: new Date().toISOString() };
    return answer(200, JSON.stringify({ ...more, AccessKeyId, SecretAccessKey, Token, Expiration }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  service.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return service;
}
