import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net, { type AddressInfo, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { temporaryDir } from './daemon.ts';
import { freePort, programHere } from './server-scripts.ts';
import { until } from './until.ts';

interface Scope {
  after(fn: () => unknown): void;
}

export interface ProxyOptions {
  /** The daemon, e.g. `http://127.0.0.1:3020`. */
  target: string;
  /** Path below which the daemon is published, e.g. `/streamhub`. */
  base: string;
  /** Does the proxy take the path off before it asks the daemon? */
  strips: boolean;
  /** A free one by default. */
  port?: number;
}

export type ProxyName = 'nginx' | 'caddy';
export const PROXIES: readonly ProxyName[] = ['nginx', 'caddy'];

/** For `test(name, { skip: missing(name) }, …)`. */
export const missing = (name: ProxyName): string | false =>
  programHere(name) === undefined && `${name} is not on this machine`;

/** Starts a real nginx or Caddy on a loopback port; it stops with the test. @returns its URL without a path */
export async function startProxy(t: Scope, name: ProxyName, options: ProxyOptions): Promise<string> {
  const dir = await temporaryDir(t);
  const port = options.port ?? (await freePort());
  await mkdir(path.join(dir, 'logs'));
  const child = name === 'nginx' ? await nginx(dir, port, options) : await caddy(dir, port, options);
  const exited = once(child, 'exit');
  t.after(async () => {
    // nginx ends its workers only when asked; asked politely, Caddy waits for open event streams
    child.kill(name === 'nginx' ? 'SIGTERM' : 'SIGKILL');
    await exited;
  });
  const url = `http://127.0.0.1:${port}`;
  await until(`${name} answers`, () =>
    fetch(url).then(
      () => true,
      () => child.exitCode !== null,
    ),
  );
  if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
  return url;
}

async function nginx(dir: string, port: number, { target, base, strips }: ProxyOptions): Promise<ChildProcess> {
  const file = path.join(dir, 'nginx.conf');
  // a slash after the target makes nginx take the path of the location off
  await writeFile(
    file,
    `worker_processes 1; daemon off; pid ${dir}/nginx.pid; error_log ${dir}/logs/error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/f;
  uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  server {
    listen 127.0.0.1:${port};
    location ${base}/ {
      proxy_pass ${target}${strips ? '/' : ''};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}`,
  );
  return spawn('nginx', ['-c', file, '-p', dir], { stdio: 'ignore' });
}

async function caddy(dir: string, port: number, { target, base, strips }: ProxyOptions): Promise<ChildProcess> {
  const file = path.join(dir, 'Caddyfile');
  await writeFile(
    file,
    `{
	admin off
	auto_https off
}
http://127.0.0.1:${port} {
	${strips ? 'handle_path' : 'handle'} ${base}/* {
		reverse_proxy ${target.replace('http://', '')}
	}
}`,
  );
  return spawn('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], {
    stdio: 'ignore',
    env: { PATH: process.env['PATH'] ?? '', HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir },
  });
}

/** A forward proxy for tunnels; the rule says which port of this machine stands for what is asked, undefined = refused. */
export async function forwardProxy(
  t: Scope,
  portOf: (request: http.IncomingMessage) => number | undefined,
): Promise<string> {
  const proxy = http.createServer((_request, response) => response.writeHead(400).end());
  proxy.on('connect', (request, client: net.Socket) => {
    const port = portOf(request);
    if (port === undefined) return client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    const server = net.connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      server.pipe(client).pipe(server);
    });
    for (const socket of [client, server]) socket.on('error', () => client.destroy() && server.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

/** The address of a server that accepts connections and never answers. */
export async function muteServer(t: { after(fn: () => unknown): void }): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
