import { installForwardProxy, type ProxySettings, proxyFor, proxySettings } from '#daemon/platform/net/proxy.ts';
import { trustSystemAuthorities } from '#daemon/platform/net/trust.ts';
import type { Identity } from './layout.ts';

type Network = Identity['network'];

/** Makes this process trust and use what the installation was told. LiveKit on this machine is always reached directly. */
export function applyNetwork(network: Network): void {
  trustSystemAuthorities(network?.ca ?? undefined);
  installForwardProxy(settingsOf(network));
}

/** The proxy through which the daemon is reached; undefined = directly. */
export function proxyToward(masterUrl: string, network: Network): URL | undefined {
  const { hostname, port, protocol } = new URL(masterUrl);
  const isTls = protocol === 'https:';
  const target = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (isTls ? 443 : 80)), isTls };
  return proxyFor(settingsOf(network), target);
}

/** What LiveKit needs in its environment to send its webhooks to the daemon the same way. It is written in Go, which reads these variables. */
export function livekitEnvironment(network: Network): Record<string, string> {
  const { ca, proxy, noProxy } = network ?? {};
  return {
    ...(proxy ? { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: noProxy ?? '' } : {}),
    // Go reads the system's folders of certificates beside this file
    ...(ca ? { SSL_CERT_FILE: ca } : {}),
  };
}

function settingsOf(network: Network): ProxySettings {
  const { proxy, noProxy } = network ?? {};
  return proxySettings(proxy ? { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: noProxy ?? '' } : process.env);
}
