import net from 'node:net';

function ranges(...entries: [string, number][]): (ip: string) => boolean {
  const list = new net.BlockList();
  for (const [address, bits] of entries) list.addSubnet(address, bits, net.isIPv6(address) ? 'ipv6' : 'ipv4');
  return (ip) => list.check(ip, net.isIPv6(ip) ? 'ipv6' : 'ipv4');
}

const isLoopback = ranges(['127.0.0.0', 8], ['::1', 128], ['::127.0.0.0', 104]);
/** No machine can be reached at one of these. */
const isNoMachine = ranges(['0.0.0.0', 8], ['::', 128], ['224.0.0.0', 3], ['ff00::', 8]);
const isLinkLocal = ranges(['169.254.0.0', 16], ['fe80::', 10]);
/** Of carriers and of VPNs such as Tailscale, RFC 6598. */
const isShared = ranges(['100.64.0.0', 10]);
/** Docker's and Podman's own networks, unless they were moved. */
const isContainerNetwork = ranges(['172.17.0.0', 16], ['172.18.0.0', 15], ['172.20.0.0', 14], ['10.88.0.0', 16]);
/** Docker's own, where nothing else is expected even outside of a container. */
const isDocker = ranges(['172.17.0.0', 16]);

export interface NodeAddress {
  ip: string;
  /** Given with --node-ip, not found out. */
  isGiven: boolean;
  /** The daemon's address is this machine's own. */
  isMasterHere: boolean;
  /** This process runs in a container. */
  isContainer: boolean;
}

/** Can clients reach the node at this address? `refuse` ends the installation, `warn` is said. */
export function judgeAddress({ ip, isGiven, isMasterHere, isContainer }: NodeAddress): {
  refuse?: string;
  warn?: string;
} {
  const cure = 'pass the address that clients use with --node-ip';
  if (net.isIP(ip) === 0 || ip.includes('%')) return { refuse: `${ip} is not an IPv4 or IPv6 address; ${cure}` };
  if (isNoMachine(ip)) return { refuse: `${ip} is not the address of a machine; ${cure}` };
  if (isLinkLocal(ip)) return { refuse: `${ip} is a link-local address, which other networks can’t reach; ${cure}` };
  if (isLoopback(ip) && !isMasterHere)
    return { refuse: `${ip} is a loopback address, which only this machine reaches; ${cure}` };
  if (isContainerNetwork(ip) && (isContainer || isDocker(ip))) {
    const what = `${ip} is in a container network, which clients usually can’t reach`;
    return isGiven ? { warn: what } : { refuse: `${what}; ${cure}, or run the container with the host’s network` };
  }
  if (isShared(ip))
    return {
      warn: `${ip} is in 100.64.0.0/10, which only clients in the same VPN or the same carrier’s network can reach`,
    };
  return {};
}

export const isLoopbackAddress = isLoopback;
