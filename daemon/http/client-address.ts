import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Reads an address; IPv4 written as IPv6 (`::ffff:…`) is IPv4. Undefined when it is none. */
export function parseAddress(text: string): Address | undefined {
  try {
    return ipaddr.process(text);
  } catch {
    return undefined;
  }
}

/** A set of addresses and CIDR ranges of both families. */
export class AddressSet {
  readonly #ranges: [Address, number][];

  /** @throws RangeError that names the first entry which is no address or range */
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
  if (text.includes('.') && !text.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(text)) return undefined;
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
