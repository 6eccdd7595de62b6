import { installForwardProxy, proxySettings } from '#daemon/platform/net/proxy.ts';
import { trustSystemAuthorities } from '#daemon/platform/net/trust.ts';
import type { Identity } from './layout.ts';

/** Makes this process trust and use what the installation was told. LiveKit on this machine is always reached directly. */
export function applyNetwork(network: Identity['network']): void {
  trustSystemAuthorities(network?.ca ?? undefined);
  const { proxy, noProxy } = network ?? {};
  const given = proxy ? { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: noProxy ?? '' } : process.env;
  installForwardProxy(proxySettings(given));
}
