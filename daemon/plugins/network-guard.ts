import { type EndpointPolicy, endpointProblem, guardedLookup } from '#daemon/platform/net/endpoint-policy.ts';
import { guardedAgents } from '#daemon/platform/net/guarded-agents.ts';
import { proxyFor, proxySettings } from '#daemon/platform/net/proxy.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type { NetworkGuard } from '#shared/plugin-sdk/storage-provider.ts';

/** The installation's rules as providers see them. */
export function networkGuard(policy: EndpointPolicy): NetworkGuard {
  const refused = (reason: string) => new StorageError('ENDPOINT_REFUSED', { detail: `It ${reason}.` });
  return {
    check(url) {
      const problem = endpointProblem(String(url), policy);
      if (problem !== undefined) throw refused(problem);
    },
    lookup: guardedLookup(policy, refused),
    proxy(url) {
      const { hostname, port, protocol } = new URL(url);
      const isTls = protocol === 'https:';
      const target = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (isTls ? 443 : 80)), isTls };
      return proxyFor(proxySettings(process.env), target)?.origin;
    },
    agents: (options) => guardedAgents(policy, { ...options, refuse: refused }),
  };
}
