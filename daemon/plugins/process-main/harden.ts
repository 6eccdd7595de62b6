import dgram from 'node:dgram';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import v8 from 'node:v8';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import { networkGuard } from '../network-guard.ts';

type Connect = (this: net.Socket, ...args: unknown[]) => net.Socket;

/**
 * Closes what Node's permission model leaves open to a plugin in its own process: signals to other processes and their
 * priority, limits of the engine, servers and datagrams; and puts each TCP connection, whichever API makes it, under the
 * installation's endpoint policy. A raised bar, not a wall: code that digs in Node's internals finds another way to the
 * network.
 */
export function harden(policy: EndpointPolicy): void {
  const refuse = (what: string) => () => {
    throw Object.assign(new Error(`${what} is not available to plugins`), { code: 'ERR_ACCESS_DENIED' });
  };
  for (const name of HIDDEN) if (name in process) fix(process, name, refuse(`process.${name}`));
  fix(os, 'setPriority', refuse('os.setPriority'));
  fix(v8, 'setFlagsFromString', refuse('v8.setFlagsFromString'));
  fix(v8, 'setHeapSnapshotNearHeapLimit', refuse('v8.setHeapSnapshotNearHeapLimit'));
  fix(dgram, 'createSocket', refuse('dgram.createSocket'));
  fix(dgram.Socket.prototype, 'bind', refuse('dgram'));
  fix(dgram.Socket.prototype, 'send', refuse('dgram'));
  fix(net.Server.prototype, 'listen', refuse('net.Server.listen'));
  guardConnections(policy);
  syncBuiltinESMExports();
}

const HIDDEN = [
  'kill',
  '_kill',
  '_debugProcess',
  '_debugEnd',
  '_startProfilerIdleNotifier',
  '_getActiveHandles',
  '_getActiveRequests',
  '_linkedBinding',
  'abort',
  'binding',
  'chdir',
  'dlopen',
  'initgroups',
  'setegid',
  'seteuid',
  'setgid',
  'setgroups',
  'setuid',
  'umask',
];

/** What every Node-made TCP connection passes: net, tls, http, https, http2, fetch and WebSocket. */
function guardConnections(policy: EndpointPolicy): void {
  const guard = networkGuard(policy);
  const { _normalizeArgs: normalize } = net as unknown as {
    _normalizeArgs(args: unknown[]): [Record<string, unknown>, unknown];
  };
  const connect = net.Socket.prototype.connect as unknown as Connect;
  fix(net.Socket.prototype, 'connect', function (this: net.Socket, ...args: unknown[]) {
    const [options, listener] = Array.isArray(args[0])
      ? (args[0] as [Record<string, unknown>, unknown])
      : normalize(args);
    try {
      if (options['path'] !== undefined && options['path'] !== null)
        throw Object.assign(new Error('sockets of this machine are not available to plugins'), {
          code: 'ERR_ACCESS_DENIED',
        });
      const host = String(options['host'] ?? 'localhost');
      guard.check(`http://${net.isIPv6(host) ? `[${host}]` : host}/`);
    } catch (error) {
      process.nextTick(() => this.destroy(error as Error));
      return this;
    }
    const guarded = normalize([{ ...options, lookup: guard.lookup }]);
    guarded[1] = listener;
    return connect.call(this, guarded);
  });
}

function fix(target: object, name: string, value: unknown): void {
  // libraries that replace such a function get along without
  Object.defineProperty(target, name, { get: () => value, set: () => {}, configurable: false, enumerable: true });
}
