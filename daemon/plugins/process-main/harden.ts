import crypto from 'node:crypto';
import dgram from 'node:dgram';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import traceEvents from 'node:trace_events';
import v8 from 'node:v8';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import { hostInUrl } from '#shared/format.ts';
import { networkGuard } from '../network-guard.ts';
import { fix } from './fix.ts';
import { guardHandles } from './guard-handles.ts';
import { guardNames } from './guard-names.ts';

type Connect = (this: net.Socket, ...args: unknown[]) => net.Socket;

/**
 * Closes what Node's permission model leaves open to a plugin in its own process: signals to other processes and their
 * priority, limits of the engine, servers and datagrams; and puts each TCP connection, whichever API makes it, under the
 * installation's endpoint policy, twice: as it is asked for, with a clear message, and at the native handle, where nothing
 * that a plugin hands in is looked at again.
 * @param relayPort the way to the forward proxy, which checks the policy itself; null = there is none
 */
export function harden(policy: EndpointPolicy, relayPort: number | null): void {
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
  fix(traceEvents, 'createTracing', refuse('trace_events.createTracing'));
  fix(crypto, 'setEngine', refuse('crypto.setEngine'));
  // opened now: a pipe can't be opened later
  void [process.stdout, process.stderr];
  guardHandles(policy, relayPort);
  guardConnections(policy, relayPort);
  guardNames(policy);
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
  'execve',
  'initgroups',
  'setegid',
  'seteuid',
  'setgid',
  'setgroups',
  'setuid',
  'umask',
];

/** What every Node-made TCP connection passes: net, tls, http, https, http2, fetch and WebSocket. */
function guardConnections(policy: EndpointPolicy, relayPort: number | null): void {
  const guard = networkGuard(policy);
  const { _normalizeArgs: normalize } = net as unknown as {
    _normalizeArgs(args: unknown[]): [Record<string, unknown>, unknown];
  };
  const connect = net.Socket.prototype.connect as unknown as Connect;
  fix(net.Socket.prototype, 'connect', function (this: net.Socket, ...args: unknown[]) {
    const [given, listener] = Array.isArray(args[0])
      ? (args[0] as [Record<string, unknown>, unknown])
      : normalize(args);
    let options: Record<string, unknown>;
    let isRelay = false;
    try {
      options = plainOptions(given);
      const host = (options['host'] ??= 'localhost') as string;
      isRelay = relayPort !== null && host === '127.0.0.1' && Number(options['port']) === relayPort;
      if (!isRelay) guard.check(`http://${hostInUrl(host)}/`);
    } catch (error) {
      process.nextTick(() => this.destroy(error as Error));
      return this;
    }
    const guarded = normalize([isRelay ? options : { ...options, lookup: guard.lookup }]);
    guarded[1] = listener;
    return connect.call(this, guarded);
  });
}

const OPTIONS = [
  'path',
  'host',
  'port',
  'localAddress',
  'localPort',
  'family',
  'hints',
  'autoSelectFamily',
  'autoSelectFamilyAttemptTimeout',
];

/** A plain copy of what a connection is to be: each option is read once, and what was read is what is used. */
function plainOptions(given: Record<string, unknown>): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const name of OPTIONS) {
    const value = given[name];
    if (value === undefined || value === null) continue;
    if (name === 'path')
      throw Object.assign(new Error('sockets of this machine are not available to plugins'), {
        code: 'ERR_ACCESS_DENIED',
      });
    if (!['string', 'number', 'boolean'].includes(typeof value))
      throw Object.assign(new TypeError(`options.${name} of a connection must be a string, a number or a boolean`), {
        code: 'ERR_INVALID_ARG_TYPE',
      });
    options[name] = value;
  }
  if (options['host'] !== undefined) options['host'] = String(options['host']);
  return options;
}
