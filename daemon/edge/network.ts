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

function settingsOf(network: Network): ProxySettings {
  const { proxy, noProxy } = network ?? {};
  return proxySettings(proxy ? { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: noProxy ?? '' } : process.env);
}
