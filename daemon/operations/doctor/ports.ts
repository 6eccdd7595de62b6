import { setTimeout as wait } from 'node:timers/promises';
import type { Looks } from '#daemon/cluster/looks.ts';
import type { NodeEntry } from '#daemon/cluster/node.ts';
import { hostAndPort, hostInUrl } from '#shared/format.ts';
import { hostOf } from '#shared/plugin-sdk/network-error.ts';
import { type Check, failed, fine, skipped, warning } from './check.ts';

export interface PortDeps {
  /** Nodes whose agent reports now. */
  nodes(): readonly NodeEntry[];
  looks: Looks;
  heartbeatSeconds: number;
  /** LiveKit’s WebSocket address for browsers; empty = none. */
  liveKitForBrowsers(): string;
  /** Empty = none. */
  rtmpHost(): string;
}

interface Port {
  host: string;
  port: number;
  what: string;
  /** LiveKit can have been set to another port. */
  isGuess?: true;
}

/** One view from outside is enough; a second shows whether only one network is closed. */
const NODES = 2;
const LIVEKIT_TCP = 7881;
const RTMP = 1935;
/** From another machine they lead to that machine. */
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

/** Ports of LiveKit as other machines see them: nodes of the cluster try to connect. */
export function portChecks({ nodes, looks, heartbeatSeconds, liveKitForBrowsers, rtmpHost }: PortDeps): Check[] {
  const ports = portsOf(liveKitForBrowsers(), rtmpHost().trim());
  const base = { id: 'ports', group: 'addresses', title: 'Ports as a node sees them' } as const;
  if (ports.length === 0) return [{ ...base, run: () => skipped('No address for other machines is set.') }];
  const watchers = nodes().slice(0, NODES);
  if (watchers.length === 0)
    return [{ ...base, run: () => skipped('No node with an agent is there to look from outside.') }];
  const targets = ports.map(({ host, port }) => ({ host, port }));
  return watchers.map(({ id, name }): Check => {
    return {
      ...base,
      subject: name,
      limitMs: (heartbeatSeconds + 12) * 1000,
      run: async () => {
        const stop = new AbortController();
        // a node hears of the question at its next heartbeat
        const late = wait((heartbeatSeconds + 10) * 1000, undefined, { signal: stop.signal, ref: false });
        const results = await Promise.race([looks.ask(id, targets), late]);
        stop.abort();
        looks.forget(id);
        if (results === undefined) return skipped('The node did not look. Its agent can be too old for it.');
        const closed = ports.flatMap((port) => {
          const problem = results.find((one) => one.host === port.host && one.port === port.port)?.problem;
          return typeof problem === 'string' ? [{ ...port, problem }] : [];
        });
        const list = (all: readonly Port[]) =>
          all.map(({ host, port, what }) => `${hostInUrl(host)}:${port} (${what})`).join(', ');
        if (closed.length === 0) return fine(`${name} can connect to ${list(ports)}. UDP can’t be tested this way.`);
        const message = `${name} can’t connect to ${closed.map((one) => `${list([one])}: ${one.problem}`).join('; ')}.`;
        const cure = 'Open the port in the firewall and at the provider, and check that LiveKit listens there.';
        return closed.every(({ isGuess }) => isGuess) ? warning(message, cure) : failed(message, cure);
      },
    };
  });
}

function portsOf(liveKit: string, rtmpHost: string): Port[] {
  const ports: Port[] = [];
  if (URL.canParse(liveKit)) {
    const { protocol, port } = new URL(liveKit);
    const host = hostOf(liveKit);
    const isSecure = protocol === 'wss:' || protocol === 'https:';
    if (!LOOPBACK.has(host))
      ports.push(
        { host, port: Number(port || (isSecure ? 443 : 80)), what: 'LiveKit' },
        { host, port: LIVEKIT_TCP, what: 'LiveKit’s media over TCP', isGuess: true },
      );
  }
  const { host, port = RTMP } = hostAndPort(rtmpHost);
  if (host !== '' && !LOOPBACK.has(host)) ports.push({ host, port, what: 'RTMP' });
  return ports;
}
