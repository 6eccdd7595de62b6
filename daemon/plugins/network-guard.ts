import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type { NetworkGuard } from '#shared/plugin-sdk/storage-provider.ts';
import { type EndpointPolicy, endpointProblem, guardedLookup } from '../net/endpoint-policy.ts';

/** The installation's rules as providers see them. */
export function networkGuard(policy: EndpointPolicy): NetworkGuard {
  const refused = (reason: string) => new StorageError('ENDPOINT_REFUSED', { detail: `It ${reason}.` });
  return {
    check(url) {
      const problem = endpointProblem(url, policy);
      if (problem !== undefined) throw refused(problem);
    },
    lookup: guardedLookup(policy, refused),
  };
}
