import type { AgentStats } from '#shared/schema/cluster.ts';

/** One sample of a Prometheus text: name, labels, value. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Reads the Prometheus text format; lines that are none are left out. */
export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/.exec(line);
    if (found === null) continue;
    const value = Number(found[3]);
    if (Number.isNaN(value)) continue;
    const labels: Record<string, string> = {};
    for (const [, key, raw] of (found[2] ?? '').matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
      labels[key as string] = (raw as string).replace(/\\(.)/g, (_all, c: string) => (c === 'n' ? '\n' : c));
    }
    samples.push({ name: found[1] as string, labels, value });
  }
  return samples;
}

/** What LiveKit's own metrics say of one node. */
export interface LivekitNumbers {
  /** LiveKit's id of the node, new with each start. */
  nodeId: string | null;
  rooms: number;
  /** Participants of the rooms on this node. */
  participants: number;
  /** Clients whose signalling enters through this node. */
  clients: number;
  /** Those of them whose room lives elsewhere. */
  foreignClients: number;
  publishedTracks: number;
  subscribedTracks: number;
  /** Totals since its start. */
  rxBytes: number;
  txBytes: number;
  rxPackets: number;
  txPackets: number;
  /** Packets passed on to subscribers, as far as they were timed, and how long that took in all, in nanoseconds. */
  forwarded: number;
  forwardNs: number;
}

/**
 * `livekit_participant_total` counts everyone that a node has to do with once: those in its rooms, and those who only
 * signal through it. The signal streams that end at its rooms are counted apart, so the difference is the clients of other nodes' rooms.
 */
export function livekitNumbers(samples: readonly Sample[]): LivekitNumbers {
  const sum = (name: string, match: Record<string, string> = {}): number =>
    samples
      .filter((s) => s.name === name && Object.entries(match).every(([key, value]) => s.labels[key] === value))
      .reduce((total, s) => total + s.value, 0);
  const streams = (role: string) =>
    sum('livekit_psrpc_stream_count', { service: 'Signal', method: 'RelaySignal', role });
  const clients = streams('client');
  const hosted = streams('server');
  const everyone = sum('livekit_participant_total');
  const foreignClients = Math.min(clients, Math.max(0, everyone - hosted));
  return {
    nodeId: samples.find((s) => s.labels['node_id'])?.labels['node_id'] ?? null,
    rooms: sum('livekit_room_total'),
    participants: Math.max(0, everyone - foreignClients),
    clients,
    foreignClients,
    publishedTracks: sum('livekit_track_published_total'),
    subscribedTracks: sum('livekit_track_subscribed_total'),
    rxBytes: sum('livekit_packet_bytes', { direction: 'incoming' }),
    txBytes: sum('livekit_packet_bytes', { direction: 'outgoing' }),
    rxPackets: sum('livekit_packet_total', { direction: 'incoming' }),
    txPackets: sum('livekit_packet_total', { direction: 'outgoing' }),
    // the gauge livekit_forward_latency is a mean of ten minutes
    forwarded: sum('livekit_forward_latency_ns_count'),
    forwardNs: sum('livekit_forward_latency_ns_sum'),
  };
}

export type LivekitSeen = LivekitNumbers & { rates: NonNullable<AgentStats['livekit']> };

/** LiveKit adds to its totals every 5 s only, so that rates are taken between the moments at which they grew. */
const WINDOW_MS = 30_000;
const QUIET_MS = 12_000;
const TOTALS = ['rxBytes', 'txBytes', 'rxPackets', 'txPackets'] as const;

/** Reads a node's metrics again and again and makes rates of its totals. */
export class LivekitMeter {
  #nodeId: string | null = null;
  /** Readings at which a total had grown, oldest first. */
  #steps: { at: number; numbers: LivekitNumbers }[] = [];

  /** @returns null when the server does not answer within the time */
  async read(url: string, timeoutMs: number, headers: Record<string, string> = {}): Promise<LivekitSeen | null> {
    let text: string;
    try {
      const response = await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs) });
      text = await response.text();
      if (!response.ok) return null;
    } catch {
      return null;
    }
    const numbers = livekitNumbers(parseMetrics(text));
    return { ...numbers, rates: this.rates(numbers, performance.now()) };
  }

  /** The rates after a reading at the given monotonic millisecond. */
  rates(now: LivekitNumbers, at: number): NonNullable<AgentStats['livekit']> {
    const { rooms, participants, publishedTracks, subscribedTracks } = now;
    const counts = { rooms, participants, publishedTracks, subscribedTracks };
    if (now.nodeId !== this.#nodeId) this.#steps = []; // totals start again with each start of LiveKit
    this.#nodeId = now.nodeId;
    const before = this.#steps.at(-1);
    if (before === undefined || TOTALS.some((key) => now[key] !== before.numbers[key])) {
      this.#steps.push({ at, numbers: now });
    }
    while (this.#steps.length > 2 && at - (this.#steps[0] as { at: number }).at > WINDOW_MS) this.#steps.shift();
    const first = this.#steps[0] as { at: number; numbers: LivekitNumbers };
    const last = this.#steps.at(-1) as { at: number; numbers: LivekitNumbers };
    const isQuiet = at - last.at > QUIET_MS;
    if (last === first && !isQuiet) return counts; // not known yet
    const rate = (key: (typeof TOTALS)[number]): number =>
      isQuiet ? 0 : Math.max(0, Math.round(((last.numbers[key] - first.numbers[key]) / (last.at - first.at)) * 1000));
    const forwarded = isQuiet ? 0 : last.numbers.forwarded - first.numbers.forwarded;
    return {
      ...counts,
      ...(forwarded > 0
        ? { forwardLatencyMs: milliseconds(last.numbers.forwardNs - first.numbers.forwardNs, forwarded) }
        : {}),
      rxBytesPerSecond: rate('rxBytes'),
      txBytesPerSecond: rate('txBytes'),
      rxPacketsPerSecond: rate('rxPackets'),
      txPacketsPerSecond: rate('txPackets'),
    };
  }
}

const milliseconds = (totalNs: number, count: number): number => Math.max(0, Math.round(totalNs / count / 1000) / 1000);
