import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns';
import { BlockList, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { AddressSet, LINK_LOCAL, NOT_ONE_MACHINE, PRIVATE, withTunnels } from './addresses.ts';

/** Cloud metadata services outside the link-local range, and their names. */
const METADATA = new AddressSet(
  withTunnels(['100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254', 'fd20:ce::254']),
);
const METADATA_NAMES = new Set(['metadata', 'metadata.google.internal', 'instance-data']);
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
  // without a zone, which the lists don't know
  const plain = ipaddr.process(text.replace(/%.*$/s, '')).toString();
  if (LINK_LOCAL.has(plain)) return 'is a link-local address, which is never allowed';
  if (METADATA.has(plain)) return 'is the address of a cloud metadata service, which is never allowed';
  if (NOT_ONE_MACHINE.has(plain)) return 'is not the address of one machine';
  if (policy.denyPrivate && PRIVATE.has(plain)) return 'is a private address, which this installation does not allow';
  return undefined;
}

/** The same rules as plain lists, for a place that must run none of the code above. */
export function forbiddenAddresses({ denyPrivate }: EndpointPolicy): Record<'ipv4' | 'ipv6', BlockList> {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const { entries } of [LINK_LOCAL, METADATA, NOT_ONE_MACHINE, ...(denyPrivate ? [PRIVATE] : [])]) {
    for (const entry of entries) {
      const [address = '', bits] = entry.split('/');
      const kind = address.includes(':') ? 'ipv6' : 'ipv4';
      if (bits === undefined) lists[kind].addAddress(address, kind);
      else lists[kind].addSubnet(address, Number(bits), kind);
      // written as IPv6, it is checked as IPv6
      if (kind === 'ipv4') lists.ipv6.addSubnet(`::ffff:${address}`, 96 + Number(bits ?? 32), 'ipv6');
    }
  }
  return lists;
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
  lookup: typeof systemLookup = systemLookup,
): LookupFunction {
  return (hostname, options, callback) => {
    const all: LookupAllOptions = { ...options, all: true, family: options.family as 0 | 4 | 6 | undefined };
    lookup(hostname, all, (error, addresses: LookupAddress[]) => {
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
