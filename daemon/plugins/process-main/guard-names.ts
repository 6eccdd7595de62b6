import dns from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type EndpointPolicy, endpointProblem, guardedLookup } from '#daemon/platform/net/endpoint-policy.ts';
import { hostInUrl } from '#shared/format.ts';
import { fix } from './fix.ts';

type Done = (error: Error | null, address: string | dns.LookupAddress[], family?: number) => void;

const refused = (what: string): Error =>
  Object.assign(new Error(`${what} is not available to plugins`), { code: 'ERR_ACCESS_DENIED' });

/**
 * Leaves of name resolution what a connection needs: the addresses of a host that the policy allows. A query of another kind
 * (TXT, SRV, reverse …) is a way to send and receive data that no other check sees, and tells what the inner network is called.
 */
export function guardNames(policy: EndpointPolicy): void {
  const checked = checkedLookup(policy);
  // util.promisify(dns.lookup) finds by these what the promise resolves to
  for (const symbol of Object.getOwnPropertySymbols(dns.lookup))
    Object.defineProperty(checked, symbol, {
      value: (dns.lookup as unknown as Record<symbol, unknown>)[symbol],
    });
  fix(dns, 'lookup', checked);
  fix(dns.promises, 'lookup', (name: unknown, options: unknown = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    checked(name, options, (error, address, family) => {
      if (error !== null) reject(error);
      else resolve(Array.isArray(address) ? address : { address, family });
    });
    return promise;
  });
  const handle = Object.getPrototypeOf((new dns.Resolver() as unknown as { _handle: object })._handle) as object;
  for (const target of [handle, dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype])
    for (const name of allNames(target)) if (isQuery(name)) fix(target, name, refusal(`dns.${name}`));
}

/** Of the native handle: queryTxt, getHostByAddr. Of the modules: resolveTxt, reverse, lookupService. And name servers of a plugin's choice. */
const isQuery = (name: string): boolean =>
  /^(?:query\w+|getHostByAddr|resolve\w*|reverse|lookupService|setServers|setLocalAddress)$/.test(name);

const refusal = (what: string) => () => {
  throw refused(what);
};

/** Also those that a class inherits. */
function allNames(target: object): string[] {
  const names: string[] = [];
  for (let one = target; one !== null && one !== Object.prototype; one = Object.getPrototypeOf(one))
    names.push(...Object.getOwnPropertyNames(one));
  return names;
}

function checkedLookup(policy: EndpointPolicy): (name: unknown, options: unknown, done?: Done) => void {
  const lookup = guardedLookup(policy, (reason) => refused(`an address that ${reason}`), dns.lookup);
  return (name, given, done) => {
    const callback = (typeof given === 'function' ? given : done) as Done;
    // read once: what is checked is what is used
    const host = String(name);
    const problem = endpointProblem(`http://${hostInUrl(host)}/`, policy);
    if (problem === undefined) lookup(host, plainOptions(given), callback as Parameters<LookupFunction>[2]);
    else process.nextTick(callback, refused(`a name that ${problem}`));
  };
}

function plainOptions(given: unknown): dns.LookupAllOptions {
  if (typeof given === 'number') return { family: given as 0 | 4 | 6, all: false } as never;
  const { family, hints, all, order } = (typeof given === 'object' && given !== null ? given : {}) as dns.LookupOptions;
  return { family, hints, all, ...(order === undefined ? {} : { order }) } as never;
}
