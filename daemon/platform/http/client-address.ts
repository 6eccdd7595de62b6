import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * The address that a request came from: the first one from the right of `X-Forwarded-For` that is not a trusted proxy, else
 * the socket's. What a client writes further left is never looked at; what is not an address counts as not written.
 */
export function clientAddress(request: FastifyRequest): string {
  const socket = request.raw.socket.remoteAddress ?? '';
  const forwarded = request.ip ?? socket;
  const address = parseAddress(forwarded) ?? parseAddress(withoutPort(forwarded)) ?? parseAddress(socket);
  return address?.toString() ?? socket;
}

const withoutPort = (text: string): string =>
  /^\[(?<ip>[^\]]+)\](?::\d+)?$|^(?<ip4>[\d.]+):\d+$/
    .exec(text)
    ?.slice(1)
    .find((part) => part !== undefined) ?? text;

/** What an address is counted by: an IPv6 client has a whole /64 to choose from, so that counts as one. */
export function addressKey(text: string): string {
  const address = parseAddress(text);
  if (address === undefined) return text;
  return address.kind() === 'ipv4' ? address.toString() : (rangeText(`${address.toString()}/64`) as string);
}

/** A range in the one form it is stored in: host bits cleared, no prefix length for a single address. */
export function rangeText(entry: string): string | undefined {
  const range = parseRange(entry);
  if (range === undefined) return undefined;
  const [address, bits] = range;
  const bytes = address.toByteArray().map((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8));
    return byte & (0xff00 >> kept) & 0xff;
  });
  const network = ipaddr.fromByteArray(bytes).toString();
  return bits === bytes.length * 8 ? network : `${network}/${bits}`;
}

/** Reads an address; IPv4 written as IPv6 (`::ffff:…`) is IPv4. Undefined when it is none; no octal or short forms. */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(text)) return undefined;
  try {
    return ipaddr.process(text);
  } catch {
    return undefined;
  }
}

/** A set of addresses and CIDR ranges of both families. */
export class AddressSet {
  readonly #ranges: [Address, number][];

  /** @throws RangeError that names the first entry which is not an address or range */
  constructor(entries: readonly string[]) {
    this.#ranges = entries.map((entry) => {
      const range = parseRange(entry);
      if (range === undefined) throw new RangeError(`${JSON.stringify(entry)} is neither an address nor a CIDR range`);
      return range;
    });
  }

  get size(): number {
    return this.#ranges.length;
  }

  has(text: string): boolean {
    const address = parseAddress(text);
    if (address === undefined) return false;
    return this.#ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits));
  }
}

/** `203.0.113.0/24`, `2001:db8::/32`, or one address. */
export function parseRange(entry: string): [Address, number] | undefined {
  const [text, bits, ...rest] = entry.trim().split('/');
  if (text === undefined || rest.length > 0) return undefined;
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  const all = address.kind() === 'ipv4' ? 32 : 128;
  if (bits === undefined) return [address, all];
  if (!/^\d{1,3}$/.test(bits)) return undefined;
  const mapped = text.includes(':') && address.kind() === 'ipv4' ? Number(bits) - 96 : Number(bits);
  return mapped >= 0 && mapped <= all ? [address, mapped] : undefined;
}

/** Loopback, private, link-local and unique-local addresses: never banned, never counted as the public internet. */
export function isPrivateAddress(text: string): boolean {
  const range = parseAddress(text)?.range();
  return (
    range === 'loopback' ||
    range === 'private' ||
    range === 'linkLocal' ||
    range === 'uniqueLocal' ||
    range === 'carrierGradeNat'
  );
}
