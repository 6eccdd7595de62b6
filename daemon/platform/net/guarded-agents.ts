import http from 'node:http';
import type https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type tls from 'node:tls';
import { hostInUrl } from '#shared/format.ts';
import { type EndpointPolicy, guardedLookup } from './endpoint-policy.ts';
import { proxyFor, proxySettings } from './proxy.ts';

const CONNECT_MS = 10_000;

/** A part of Node that is loaded when it is first used: most plugin processes and workers that import this connect to nothing. */
const load = process.getBuiltinModule;

type Callback = (error: Error | null, socket: Duplex) => void;
interface Target {
  host: string;
  port: number;
  isTls: boolean;
}

/**
 * HTTP agents for addresses that tenants choose. The policy checks what a name resolves to, also when a forward proxy carries the
 * connection: the proxy is asked for the checked address, so that it can't be led to another one.
 */
export function guardedAgents(
  policy: EndpointPolicy,
  options: http.AgentOptions & { refuse?: (reason: string) => Error },
  env: Readonly<Record<string, string | undefined>> = process.env,
): { http: http.Agent; https: https.Agent } {
  const { refuse, ...own } = options;
  const lookup = guardedLookup(policy, refuse);
  const agentOptions = { ...own, lookup };
  const settings = proxySettings(env);
  const agents = { http: new http.Agent(agentOptions), https: new (load('node:https').Agent)(agentOptions) };
  if (settings.http === undefined && settings.https === undefined) return agents;
  for (const [agent, isTls] of [
    [agents.http, false],
    [agents.https, true],
  ] as const) {
    const direct = agent.createConnection.bind(agent);
    const connect = (given: net.NetConnectOpts & { host?: string; port?: number }, done: Callback) => {
      const { host = 'localhost', port = isTls ? 443 : 80 } = given;
      const target: Target = { host, port: Number(port), isTls };
      const proxy = proxyFor(settings, target);
      if (proxy === undefined) return direct(given, done);
      openTunnel(target, proxy, lookup, policy).then(
        (socket) => (isTls ? secure(socket, host, given, done) : done(null, socket)),
        (error: Error) => done(error, undefined as unknown as Duplex),
      );
      return undefined;
    };
    Object.assign(agent, { createConnection: connect });
  }
  return agents;
}

/** TLS through the tunnel, to the name that was asked for. */
function secure(socket: net.Socket, host: string, given: object, done: Callback): void {
  const servername = net.isIP(host) === 0 ? host : '';
  const { host: _host, port: _port, path: _path, ...options } = given as tls.ConnectionOptions;
  const connection = load('node:tls').connect({ ...options, servername, socket });
  const fail = (error: Error) => done(error, undefined as unknown as Duplex);
  connection.once('error', fail);
  connection.once('secureConnect', () => {
    connection.off('error', fail);
    done(null, connection);
  });
}

/** The checked address of the host, for the proxy to connect to. */
function checkedAddress(host: string, lookup: net.LookupFunction, policy: EndpointPolicy): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  lookup(host, { all: false }, (error, address) => {
    if (error === null) resolve(String(address));
    // only the proxy can resolve external names, so it decides what may be reached
    else if (!policy.denyPrivate && ['ENOTFOUND', 'EAI_AGAIN'].includes(error.code ?? '')) resolve(host);
    else reject(error);
  });
  return promise;
}

/** A connection to the target through the proxy, which is asked for the checked address. */
export async function openTunnel(
  target: Target,
  proxy: URL,
  lookup: net.LookupFunction,
  policy: EndpointPolicy,
): Promise<net.Socket> {
  const address = await checkedAddress(target.host, lookup, policy);
  const authority = `${hostInUrl(address)}:${target.port}`;
  const isTls = proxy.protocol === 'https:';
  const { promise, resolve, reject } = Promise.withResolvers<net.Socket>();
  const asked = (isTls ? load('node:https') : http).request({
    agent: false,
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || (isTls ? 443 : 80),
    method: 'CONNECT',
    path: authority,
    timeout: CONNECT_MS,
    headers: {
      host: authority,
      ...(proxy.username === '' ? {} : { 'proxy-authorization': `Basic ${credentialsOf(proxy)}` }),
    },
  });
  const fail = (code: string) => Object.assign(new Error(`the proxy: ${code}`), { code });
  asked.once('timeout', () => asked.destroy(fail('ETIMEDOUT')));
  asked.once('error', (error: NodeJS.ErrnoException) => reject(fail(`PROXY_${error.code ?? 'FAILED'}`)));
  asked.once('response', (response) => {
    response.destroy();
    reject(fail('PROXY_REFUSED'));
  });
  asked.once('connect', (response, socket) => {
    if (response.statusCode === 200) return resolve(socket as net.Socket);
    socket.destroy();
    reject(fail(response.statusCode === 407 ? 'PROXY_CREDENTIALS' : 'PROXY_REFUSED'));
  });
  asked.end();
  return promise;
}

const credentialsOf = ({ username, password }: URL): string =>
  Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
