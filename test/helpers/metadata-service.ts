import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** Where AWS gives a program the credentials of its role. */
export interface MetadataService {
  endpoint: string;
  /** What a container of ECS must send. */
  authorization: string;
  /** What a pod of EKS must send to the token service, which is at `endpoint` too. */
  webIdentity: string;
  /** Null = the machine has no role. */
  role: { key: string; secret: string; sessionToken: string; expiration: string } | null;
  /** Method and path of each request. */
  asked: string[];
}

const FOLDER = '/latest/meta-data/iam/security-credentials/';
const TOKEN = 'token-of-the-metadata-service';

/**
 * On loopback: the metadata service of an EC2 instance, version 2 only, as
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html describes it;
 * below `/container` the endpoint of ECS and EKS Pod Identity
 * (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html); with POST the token service
 * (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html).
 */
export async function metadataService(t: { after(fn: () => unknown): void }): Promise<MetadataService> {
  const [authorization, webIdentity] = [`of-the-container-${randomUUID()}`, `of-the-pod-${randomUUID()}`];
  const service: MetadataService = { endpoint: '', authorization, webIdentity, role: null, asked: [] };
  const server = http.createServer(async (request, response) => {
    const { method, url = '', headers } = request;
    service.asked.push(`${method} ${url}`);
    const answer = (status: number, body = '') => response.writeHead(status).end(body);
    if (method === 'POST') return answer(...token(service, new URLSearchParams(await text(request))));
    if (url === '/container') {
      if (headers.authorization !== authorization) return answer(401);
      return service.role === null ? answer(404) : answer(200, JSON.stringify(inJson(service.role)));
    }
    if (method === 'PUT' && url === '/latest/api/token')
      return headers['x-aws-ec2-metadata-token-ttl-seconds'] === undefined ? answer(400) : answer(200, TOKEN);
    if (headers['x-aws-ec2-metadata-token'] !== TOKEN) return answer(401);
    const { role } = service;
    if (role === null) return answer(404);
    if (url === FOLDER) return answer(200, 'machine');
    if (url !== `${FOLDER}machine`) return answer(404);
    const more = { Code: 'Success', Type: 'AWS-HMAC', LastUpdated: new Date().toISOString() };
    return answer(200, JSON.stringify({ ...more, ...inJson(role) }));
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

type Role = NonNullable<MetadataService['role']>;

const inJson = ({ key, secret, sessionToken, expiration }: Role) => ({
  AccessKeyId: key,
  SecretAccessKey: secret,
  Token: sessionToken,
  Expiration: expiration,
});

/** What the token service answers: status and XML. */
function token({ role, webIdentity }: MetadataService, query: URLSearchParams): [number, string] {
  const isKnown = query.get('WebIdentityToken') === webIdentity && query.get('RoleArn')?.startsWith('arn:aws:iam::');
  if (role === null || query.get('Action') !== 'AssumeRoleWithWebIdentity' || !isKnown)
    return [
      400,
      '<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>no</Message></Error></ErrorResponse>',
    ];
  const tag = (name: string, value: string) => `<${name}>${value}</${name}>`;
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = inJson(role);
  const keys = tag('AccessKeyId', AccessKeyId) + tag('SecretAccessKey', SecretAccessKey);
  const credentials = tag('Credentials', keys + tag('SessionToken', Token) + tag('Expiration', Expiration));
  const result = tag('AssumeRoleWithWebIdentityResult', credentials);
  const name = 'AssumeRoleWithWebIdentityResponse';
  return [200, `<${name} xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${result}</${name}>`];
}
