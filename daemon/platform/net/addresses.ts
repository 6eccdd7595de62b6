import net from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Reads an address; IPv4 written as IPv6 (`::ffff:…`) is IPv4. Undefined when it is none; no octal or short forms. */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(text)) return undefined;
  try {
    return ipaddr.process(text);
  } catch {
    return undefined;
  }
}

/** Reads `203.0.113.0/24`, `2001:db8::/32` or a single address. */
export function parseRange(entry: string): [Address, number] | undefined {
  const [text, bits, ...rest] = entry.trim().split('/');
  if (text === undefined || rest.length > 0) return undefined;
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  const all = address.kind() === 'ipv4' ? 32 : 128;
  if (bits === undefined) return [address, all];
  if (!/^\d{1,3}$/.test(bits)) return undefined;
  const length = text.includes(':') && address.kind() === 'ipv4' ? Number(bits) - 96 : Number(bits);
  return length >= 0 && length <= all ? [address, length] : undefined;
}

/** A range in the form in which it is stored: host bits cleared, no prefix length for a single address. */
export function rangeText(entry: string): string | undefined {
  const range = parseRange(entry);
  if (range === undefined) return undefined;
  const [address, bits] = range;
  const { IPv4, IPv6 } = ipaddr;
  const network = (address.kind() === 'ipv4' ? IPv4 : IPv6).networkAddressFromCIDR(`${address}/${bits}`).toString();
  return bits === (address.kind() === 'ipv4' ? 32 : 128) ? network : `${network}/${bits}`;
}

/** `::ffff:0:0/96`: IPv4 addresses written as IPv6. */
const MAPPED = new net.BlockList();
MAPPED.addSubnet('::ffff:0:0', 96, 'ipv6');

/** A set of addresses and CIDR ranges of both families. */
export class AddressSet {
  /** A list per family, because an IPv6 range such as `::/0` would also match IPv4 addresses. */
  readonly #ipv4 = new net.BlockList();
  readonly #ipv6 = new net.BlockList();
  readonly entries: readonly string[];

  /** @throws RangeError that names the first entry which is not an address or range */
  constructor(entries: readonly string[]) {
    this.entries = entries;
    for (const entry of entries) {
      const range = parseRange(entry);
      if (range === undefined) throw new RangeError(`${JSON.stringify(entry)} is neither an address nor a CIDR range`);
      const [address, bits] = range;
      const list = address.kind() === 'ipv4' ? this.#ipv4 : this.#ipv6;
      list.addSubnet(address.toString(), bits, address.kind());
    }
  }

  has(text: string): boolean {
    const family = net.isIP(text);
    if (family === 4) return this.#ipv4.check(text, 'ipv4');
    if (family !== 6) return false;
    return (MAPPED.check(text, 'ipv6') ? this.#ipv4 : this.#ipv6).check(text, 'ipv6');
  }
}

const LINK_LOCAL_NETWORKS = ['169.254.0.0/16', 'fe80::/10']; // RFC 3927, RFC 4291
const LOCAL_NETWORKS = [
  '127.0.0.0/8', // loopback, RFC 1122
  '::1',
  '10.0.0.0/8', // RFC 1918
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10', // carrier-grade NAT, RFC 6598
  'fc00::/7', // RFC 4193
];

/** The ranges, and for each range of IPv4 those of IPv6 that lead to it: mapped, compatible, translated and tunnelled. */
export function withTunnels(entries: readonly string[]): string[] {
  return entries.flatMap((entry) => {
    const [address, bits] = parseRange(entry) ?? [];
    if (address === undefined || bits === undefined || address.kind() !== 'ipv4') return [entry];
    const [a = 0, b = 0, c = 0, d = 0] = address.toByteArray();
    const last = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
    return [
      entry,
      `::${last}/${96 + bits}`,
      `::ffff:0:${last}/${96 + bits}`, // RFC 6145
      `64:ff9b::${last}/${96 + bits}`, // RFC 6052
      `64:ff9b:1::${last}/${96 + bits}`, // RFC 8215
      `2002:${last}::/${16 + bits}`, // RFC 3056
    ];
  });
}

/** Most cloud metadata services are here. */
export const LINK_LOCAL: AddressSet = new AddressSet(withTunnels(LINK_LOCAL_NETWORKS));

/** Loopback and private networks, and the unspecified address, which reaches this machine. */
export const PRIVATE: AddressSet = new AddressSet(withTunnels([...LOCAL_NETWORKS, '0.0.0.0/8', '::']));

/** Multicast and broadcast. */
export const NOT_ONE_MACHINE: AddressSet = new AddressSet(withTunnels(['224.0.0.0/4', '255.255.255.255', 'ff00::/8']));

const ONE_LINK = new AddressSet(LINK_LOCAL_NETWORKS);

/** Addresses that only machines on the same link reach. */
export const isLinkLocal = (text: string): boolean => ONE_LINK.has(text);

const NOT_PUBLIC = new AddressSet([...LOCAL_NETWORKS, ...LINK_LOCAL_NETWORKS]);

/** Loopback, private, link-local and unique-local addresses: never banned, never counted as the public internet. */
export const isPrivateAddress = (text: string): boolean => NOT_PUBLIC.has(text);

/** Hosts of those URLs that are in the local network: private addresses, and names without a dot. */
export const nearHosts = (urls: readonly string[]): string[] =>
  urls.flatMap((text) => {
    const host = URL.parse(text)?.hostname ?? '';
    return host !== '' && (isPrivateAddress(host.replace(/^\[|\]$/g, '')) || !/[.:]/.test(host)) ? [host] : [];
  });
