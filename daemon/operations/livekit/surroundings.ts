import { networkInterfaces } from 'node:os';
import { judgeAddress } from '#daemon/edge/address.ts';
import { publicBase, type SettingValues } from '#daemon/platform/settings.ts';
import { hostInUrl } from '#shared/format.ts';
import { isLoopbackHost } from '#shared/rules/hosts.ts';

/** From where LiveKit can be reached: from where the daemon can be reached. */
export interface Reach {
  /** Addresses for API and signaling; undefined = every address. */
  bind: readonly string[] | undefined;
  /** Clients are on this machine only. */
  isLocal: boolean;
  /** Address that media is sent to. */
  nodeIp: string;
  /** Host name in an address for the daemon itself. */
  ownHost: string;
  /** Host name in an address for clients. */
  publicHost: string;
  /** Browsers came over HTTPS, and then accept only a wss:// address. */
  isSecure: boolean;
}

const isEveryAddress = (host: string): boolean => ['', '0.0.0.0', '::'].includes(host);

/** Loopback alone where the daemon is used on this machine alone; a public base URL means that a proxy passes requests on. */
export function reachOf(settings: Pick<SettingValues, 'host' | 'publicBaseUrl' | 'streamhubPublicUrl'>): Reach {
  const base = publicBase(settings);
  const baseUrl = base === null ? null : new URL(base);
  const isBehindProxy = isLoopbackHost(settings.host);
  const isLocal = isBehindProxy && (baseUrl === null || isLoopbackHost(baseUrl.hostname));
  const loopback = settings.host === '::1' ? '::1' : '127.0.0.1';
  const nodeIp = isLocal
    ? loopback
    : isEveryAddress(settings.host) || isBehindProxy
      ? (machineAddress() ?? loopback)
      : settings.host;
  return {
    bind: isBehindProxy ? [loopback] : isEveryAddress(settings.host) ? undefined : [settings.host, loopback],
    isLocal,
    nodeIp,
    ownHost: hostInUrl(loopback),
    publicHost: isLocal ? hostInUrl(loopback) : (baseUrl?.hostname ?? hostInUrl(nodeIp)),
    isSecure: baseUrl?.protocol === 'https:',
  };
}

/** Where a LiveKit beside the daemon sends its webhooks. */
export function webhookUrlOf(
  settings: Parameters<typeof reachOf>[0],
  listening: { port: number; url: string },
): string {
  const { ownHost, bind } = reachOf(settings);
  const base = listening.url.startsWith('https:')
    ? // its certificate is for the public name
      (publicBase(settings) ?? listening.url)
    : `http://${bind === undefined || bind.length === 1 ? ownHost : settings.host}:${listening.port}`;
  return `${base}/api/v1/webhooks/livekit`;
}

/** The first address of this machine that other machines may know, IPv4 before IPv6. */
function machineAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all
    .filter(({ internal, scopeid }) => !internal && !scopeid)
    .toSorted((a, b) => Number(a.family === 'IPv6') - Number(b.family === 'IPv6'))
    .find(
      ({ address }) =>
        judgeAddress({ ip: address, isGiven: false, isMasterHere: false, isContainer: false }).refuse === undefined,
    )?.address;
}
