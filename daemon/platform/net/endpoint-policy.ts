import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { AddressSet, LINK_LOCAL, NOT_ONE_MACHINE, PRIVATE } from './addresses.ts';

/** Cloud metadata services outside the link-local range, and their names. */
const METADATA = new AddressSet(['100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254', 'fd20:ce::254']);
const METADATA_NAMES = new Set(['metadata', 'metadata.google.internal', 'instance-data']);
/** Ranges that tunnel an IPv4 address inside an IPv6 one, with the offset of its four bytes. */
const TUNNELS: readonly [range: string, offset: number][] = [
  ['rfc6052', 12],
  ['rfc6145', 12],
  ['6to4', 2],
];

export interface EndpointPolicy {
  /** STREAMHUB_DENY_PRIVATE_ENDPOINTS. */
  denyPrivate: boolean;
}

/**
 * Why the daemon must not send requests to this URL, or undefined when it may. Looks at scheme, name and literal
 * address; what a name resolves to is checked when connecting, by `guardedLookup`.
 */
export function endpointProblem(text: string, policy: EndpointPolicy): string | undefined {
  if (!URL.canParse(text)) return 'is not a URL';
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'must begin with http:// or https://';
  const host = url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  if (METADATA_NAMES.has(host)) return 'names a cloud metadata service, which is never allowed';
  if (policy.denyPrivate && (host === 'localhost' || host.endsWith('.localhost'))) {
    return 'is on this machine, which this installation does not allow';
  }
  return ipaddr.isValid(host) ? addressProblem(host, policy) : undefined;
}

/** Why an address must not be contacted, or undefined when it may. */
function addressProblem(text: string, policy: EndpointPolicy): string | undefined {
  let address = ipaddr.process(text);
  if (address instanceof ipaddr.IPv6) {
    const range = address.range();
    const offset = TUNNELS.find(([name]) => name === range)?.[1];
    if (offset !== undefined) address = ipaddr.fromByteArray(address.toByteArray().slice(offset, offset + 4));
  }
  const plain = address.toString();
  if (LINK_LOCAL.has(plain)) return 'is a link-local address, which is never allowed';
  if (METADATA.has(plain)) return 'is the address of a cloud metadata service, which is never allowed';
  if (NOT_ONE_MACHINE.has(plain)) return 'is not the address of one machine';
  if (policy.denyPrivate && PRIVATE.has(plain)) return 'is a private address, which this installation does not allow';
  return undefined;
}

/** Thrown by `guardedLookup`; `reason` reads on after the name of the host. */
export class AddressRefused extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(`The address ${reason}.`);
    this.name = 'AddressRefused';
    this.reason = reason;
  }
}

/** A `lookup` for HTTP agents and sockets that drops forbidden addresses at the moment of connecting. */
export function guardedLookup(
  policy: EndpointPolicy,
  refuse: (reason: string) => Error = (reason) => new AddressRefused(reason),
): LookupFunction {
  return (hostname, options, callback) => {
    const all: LookupAllOptions = { ...options, all: true, family: options.family as 0 | 4 | 6 | undefined };
    systemLookup(hostname, all, (error, addresses: LookupAddress[]) => {
      if (error) {
        callback(error, '', 0);
        return;
      }
      let reason: string | undefined;
      const allowed = addresses.filter((entry) => {
        const problem = addressProblem(entry.address, policy);
        reason ??= problem;
        return problem === undefined;
      });
      const first = allowed[0];
      if (first === undefined) callback(refuse(reason ?? 'is not allowed'), '', 0);
      else if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
