import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Background } from '#daemon/platform/background.ts';
import { type EndpointPolicy, endpointProblem, guardedLookup } from '#daemon/platform/net/endpoint-policy.ts';
import { guardedAgents, openTunnel } from '#daemon/platform/net/guarded-agents.ts';
import { proxyFor, proxySettings } from '#daemon/platform/net/proxy.ts';

type Env = Readonly<Record<string, string | undefined>>;
/** Headers that concern one connection only; RFC 9110, 7.6.1. */
const OF_ONE_CONNECTION = ['connection', 'keep-alive', 'proxy-authorization', 'proxy-connection', 'te', 'upgrade'];

/**
 * A forward proxy on loopback between plugins' processes and the installation's. It asks the real one with credentials that
 * no plugin sees, and only for what the endpoint policy allows, so a plugin that talks to it directly gains nothing.
 */
export class ProxyRelay {
  readonly #policy: EndpointPolicy;
  readonly #env: Env;
  readonly #token = randomBytes(24).toString('base64url');
  readonly #agents: ReturnType<typeof guardedAgents>;
  readonly #server: http.Server;
  readonly #open = new Set<Duplex>();
  #port: Promise<number> | undefined;

  constructor(policy: EndpointPolicy, background: Background, env: Env = process.env) {
    this.#policy = policy;
    this.#env = env;
    this.#agents = guardedAgents(policy, { keepAlive: false }, env);
    this.#server = http.createServer((request, response) => this.#forward(request, response));
    this.#server.on('connect', (request, client) => {
      background.run('plugin tunnels', () => this.#connect(request, client));
    });
    this.#server.on('connection', (socket) => {
      this.#open.add(socket.on('close', () => this.#open.delete(socket)));
    });
    this.#server.unref();
  }

  /** Variables for a plugin's process and the port; undefined when the installation uses no proxy. */
  async start(): Promise<{ env: Record<string, string>; port: number } | undefined> {
    const settings = proxySettings(this.#env);
    if (settings.https === undefined && settings.http === undefined) return undefined;
    const port = await (this.#port ??= this.#listen());
    const address = `http://plugin:${this.#token}@127.0.0.1:${port}`;
    return {
      port,
      env: {
        ...(settings.https === undefined ? {} : { HTTPS_PROXY: address }),
        ...(settings.http === undefined ? {} : { HTTP_PROXY: address }),
        NO_PROXY: settings.direct.join(','),
      },
    };
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }

  async #listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as net.AddressInfo).port;
  }

  #isKnown({ headers }: http.IncomingMessage): boolean {
    const given = Buffer.from(headers['proxy-authorization'] ?? '');
    const expected = Buffer.from(`Basic ${Buffer.from(`plugin:${this.#token}`).toString('base64')}`);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  /** A tunnel, as it is used for https. */
  async #connect(request: http.IncomingMessage, client: Duplex): Promise<void> {
    const refuse = (status: string): void => {
      client.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);
    };
    client.on('error', () => client.destroy());
    if (!this.#isKnown(request)) {
      refuse('407 Proxy Authentication Required');
      return;
    }
    const url = URL.parse(`http://${request.url}`);
    if (url === null || endpointProblem(url.href, this.#policy) !== undefined) {
      refuse('403 Forbidden');
      return;
    }
    try {
      const target = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80), isTls: true };
      const server = await this.#reach(target);
      server.on('error', () => client.destroy());
      client.on('close', () => server.destroy());
      server.on('close', () => client.destroy());
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      client.pipe(server).pipe(client);
    } catch {
      refuse('502 Bad Gateway');
    }
  }

  async #reach(target: { host: string; port: number; isTls: boolean }): Promise<net.Socket> {
    const settings = proxySettings(this.#env);
    const lookup = guardedLookup(this.#policy);
    const proxy =
      proxyFor(settings, target) ??
      (settings.https === undefined ? proxyFor(settings, { ...target, isTls: false }) : undefined);
    if (proxy !== undefined) return openTunnel(target, proxy, lookup, this.#policy);
    const socket = net.connect({ host: target.host, port: target.port, lookup });
    await once(socket, 'connect');
    return socket;
  }

  /** A request to an http address, which names the whole address. */
  #forward(request: http.IncomingMessage, response: http.ServerResponse): void {
    const refuse = (status: number): void => {
      response.writeHead(status).end();
    };
    if (!this.#isKnown(request)) {
      refuse(407);
      return;
    }
    const url = URL.parse(request.url ?? '');
    if (url?.protocol !== 'http:' || endpointProblem(url.href, this.#policy) !== undefined) {
      refuse(403);
      return;
    }
    const headers = { ...request.headers };
    for (const name of OF_ONE_CONNECTION) delete headers[name];
    const onward = http.request(url, { method: request.method, headers, agent: this.#agents.http }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => (response.headersSent ? response.destroy() : refuse(502)));
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }
}
