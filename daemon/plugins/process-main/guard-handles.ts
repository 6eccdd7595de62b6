import dgram from 'node:dgram';
import net from 'node:net';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import { forbiddenAddresses } from '#daemon/platform/net/endpoint-policy.ts';
import { fix } from './fix.ts';

/** libuv's error number for a refusal; Node reports it as EACCES. */
const REFUSED = process.platform === 'win32' ? -4092 : -13;

// Taken before any plugin code runs: a plugin can replace every method that is looked up later.
const { apply } = Reflect;
const toText = String;
const { isIP } = net;
const { check } = net.BlockList.prototype;

type Handle = Record<string, (...args: unknown[]) => unknown>;

/**
 * Guards the native handles below Node's sockets, which every connection passes, no matter which API or trick made it: a
 * connection is checked by the exact address that it is made to. Sockets of the machine, listening and datagrams are removed.
 */
export function guardHandles(policy: EndpointPolicy, relayPort: number | null): void {
  const { ipv4, ipv6 } = forbiddenAddresses(policy);
  const isForbidden = (address: string, family: number): boolean => {
    try {
      if (isIP(address) !== family) return true;
      return apply(check, family === 4 ? ipv4 : ipv6, [address, family === 4 ? 'ipv4' : 'ipv6']) as boolean;
    } catch {
      return true;
    }
  };
  const { tcp, pipe, udp } = prototypes();
  for (const [name, family] of [
    ['connect', 4],
    ['connect6', 6],
  ] as const) {
    const native = tcp[name] as (...args: unknown[]) => unknown;
    // the address is read once: what is not a text could be another one when it is read again
    fix(tcp, name, function (this: unknown, request: unknown, given: unknown, port: unknown) {
      const address = toText(given);
      // only a number is equal to a number, so it is the same one when it is read again
      const isRelay = relayPort !== null && port === relayPort && address === '127.0.0.1';
      return !isRelay && isForbidden(address, family) ? REFUSED : apply(native, this, [request, address, port]);
    });
  }
  const refuse = () => REFUSED;
  for (const name of ['bind', 'bind6', 'listen', 'open']) fix(tcp, name, refuse);
  for (const name of ['bind', 'listen', 'connect', 'open', 'fchmod']) fix(pipe, name, refuse);
  for (const name of ['bind', 'bind6', 'connect', 'connect6', 'send', 'send6', 'open']) fix(udp, name, refuse);
  // the checks above call these classes
  for (const target of [net.BlockList, net.SocketAddress]) {
    Object.freeze(target.prototype);
    Object.freeze(target);
  }
}

/** Prototypes of the native handles; Node hands them out only by way of an instance. */
function prototypes(): Record<'tcp' | 'pipe' | 'udp', Handle> {
  const handleOf = (options: net.SocketConnectOpts): Handle => {
    const socket = new net.Socket().on('error', () => {});
    socket.connect(options);
    const { _handle } = socket as unknown as { _handle: object };
    socket.destroy();
    return prototypeOf(_handle);
  };
  const datagrams = new dgram.Socket('udp4' as never);
  const state = Object.getOwnPropertySymbols(datagrams)
    .map((symbol) => (datagrams as unknown as Record<symbol, unknown>)[symbol])
    .find((value): value is { handle: object } => typeof value === 'object' && value !== null && 'handle' in value);
  if (state === undefined) throw new Error('this Node.js hides the handle of datagram sockets');
  const udp = prototypeOf(state.handle);
  datagrams.close();
  return {
    // never resolved, so that nothing is sent
    tcp: handleOf({ host: 'none.invalid', port: 1, lookup: () => {} }),
    pipe: handleOf({ path: process.platform === 'win32' ? '\\\\.\\pipe\\none' : '/none' }),
    udp,
  };
}

const prototypeOf = (handle: object): Handle => Object.getPrototypeOf(handle) as Handle;
