import http from 'node:http';

/** What is always reached without a forward proxy: this machine, which includes LiveKit's metrics. */
const LOOPBACK = ['localhost', '127.0.0.1', '::1', '[::1]'];

type Env = Readonly<Record<string, string | undefined>>;

export interface ProxySettings {
  /** Proxy for https targets, and for http targets; undefined = direct. */
  https: URL | undefined;
  http: URL | undefined;
  /** Entries of NO_PROXY, in lower case: hosts, `.suffix`, `host:port`, `*`. */
  direct: readonly string[];
}

/** Variables that a thread or process of ours needs to use the same proxy. */
export const PROXY_VARIABLES = [
  ...['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'],
  ...['NO_PROXY', 'no_proxy'],
] as const;

/** Reads HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in either case. @throws Error that names the variable */
export function proxySettings(env: Env, alsoDirect: readonly string[] = []): ProxySettings {
  const read = (name: string): URL | undefined => {
    const text = env[name.toLowerCase()] || env[name];
    if (!text) return undefined;
    const url = URL.parse(text.includes('://') ? text : `http://${text}`);
    if (url === null || !/^https?:$/.test(url.protocol))
      throw new Error(`${name} must be the http:// or https:// address of a proxy`);
    return url;
  };
  const direct = (env['no_proxy'] || env['NO_PROXY'] || '').split(/[\s,]+/).filter(Boolean);
  return {
    https: read('HTTPS_PROXY'),
    http: read('HTTP_PROXY'),
    direct: [...direct, ...LOOPBACK, ...alsoDirect].map((entry) => entry.toLowerCase()),
  };
}

/** Sends what this thread asks with `fetch` and Node's own agents through the proxy of the environment, if there is one. */
export function installForwardProxy(settings: ProxySettings): void {
  if (settings.https === undefined && settings.http === undefined) return;
  http.setGlobalProxyFromEnv({
    ...(settings.https ? { HTTPS_PROXY: settings.https.href } : {}),
    ...(settings.http ? { HTTP_PROXY: settings.http.href } : {}),
    NO_PROXY: settings.direct.join(','),
  });
}

/** The proxy that a request to this target takes; undefined = none. */
export function proxyFor(settings: ProxySettings, target: { host: string; port: number; isTls: boolean }) {
  const proxy = target.isTls ? settings.https : settings.http;
  if (proxy === undefined) return undefined;
  const host = target.host.toLowerCase();
  const isDirect = settings.direct.some((entry) => {
    const [, name = entry, port] = /^(.*?)(?::(\d+))?$/.exec(entry.replace(/^\*(?=\.)/, '')) ?? [];
    if (entry === '*') return true;
    if (entry === host) return true;
    if (port !== undefined && Number(port) !== target.port) return false;
    return name.startsWith('.') ? host.endsWith(name) || host === name.slice(1) : host === name;
  });
  return isDirect ? undefined : proxy;
}
