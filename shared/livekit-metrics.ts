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
  /** How well media travels, over all tracks since its start. Absent families are those that LiveKit has not counted yet. */
  quality: QualityTotals;
}

/** A histogram: what was measured, and how often it was at most so much (by `le`, cumulated). */
interface Distribution {
  sum: number;
  count: number;
  upTo: ReadonlyMap<number, number>;
}

/** In the units of LiveKit’s families: percent, microseconds, milliseconds, MOS. */
interface QualityTotals {
  lossIn: Distribution;
  lossOut: Distribution;
  loss: Distribution;
  jitter: Distribution;
  rtt: Distribution;
  score: Distribution;
  nacks: number;
  plis: number;
}

/**
 * `livekit_participant_total` counts everyone that a node has to do with once: those in its rooms, and those who only
 * signal through it. The signal streams that end at its rooms are counted apart, so the difference is the clients of other nodes' rooms.
 */
export function livekitNumbers(samples: readonly Sample[]): LivekitNumbers {
  const byName = Map.groupBy(samples, ({ name }) => name);
  const of = (name: string, match: Record<string, string> = {}): Sample[] => {
    const labels = Object.entries(match);
    return (byName.get(name) ?? []).filter((s) => labels.every(([key, value]) => s.labels[key] === value));
  };
  const sum = (name: string, match?: Record<string, string>): number =>
    of(name, match).reduce((total, s) => total + s.value, 0);
  const distribution = (name: string, match?: Record<string, string>): Distribution => {
    const upTo = new Map<number, number>();
    for (const { labels, value } of of(`${name}_bucket`, match)) {
      const limit = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le']);
      upTo.set(limit, (upTo.get(limit) ?? 0) + value);
    }
    return { sum: sum(`${name}_sum`, match), count: sum(`${name}_count`, match), upTo };
  };
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
    quality: {
      lossIn: distribution('livekit_packet_loss_percent', { direction: 'incoming' }),
      lossOut: distribution('livekit_packet_loss_percent', { direction: 'outgoing' }),
      loss: distribution('livekit_packet_loss_percent'),
      jitter: distribution('livekit_jitter_us'),
      rtt: distribution('livekit_rtt_ms'),
      score: distribution('livekit_quality_score'),
      nacks: sum('livekit_nack_total'),
      plis: sum('livekit_pli_total'),
    },
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
  #steps: Reading[] = [];

  /**
   * @param url with user and password where the server asks for them
   * @returns null when the server does not answer within the time
   */
  async read(url: string, timeoutMs: number): Promise<LivekitSeen | null> {
    let text: string;
    try {
      // fetch() refuses an address that has them
      const target = new URL(url);
      const user = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
      target.username = target.password = '';
      const headers: Record<string, string> = user === ':' ? {} : { authorization: `Basic ${btoa(user)}` };
      const response = await fetch(target, { headers, signal: AbortSignal.timeout(timeoutMs) });
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
    const newest = this.#steps.at(-1)?.numbers;
    // totals start again with each start of LiveKit
    const isReset = newest !== undefined && TOTALS.some((key) => now[key] < newest[key]);
    if (isReset || now.nodeId !== this.#nodeId) this.#steps = [];
    this.#nodeId = now.nodeId;
    const before = this.#steps.at(-1);
    if (before === undefined || TOTALS.some((key) => now[key] !== before.numbers[key])) {
      this.#steps.push({ at, numbers: now });
    }
    while (this.#steps.length > 2 && at - (this.#steps[0] as { at: number }).at > WINDOW_MS) this.#steps.shift();
    const first = this.#steps[0] as Reading;
    const last = this.#steps.at(-1) as Reading;
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
      ...(isQuiet ? {} : qualityBetween(first, last)),
    };
  }
}

interface Reading {
  at: number;
  numbers: LivekitNumbers;
}

/** What was measured between two readings. A figure without a measurement is absent. */
function qualityBetween(
  { at: from, numbers: { quality: first } }: Reading,
  { at: to, numbers: { quality: last } }: Reading,
): Pick<NonNullable<AgentStats['livekit']>, 'quality'> {
  const mean = (key: keyof Omit<QualityTotals, 'nacks' | 'plis'>, scale = 1): number | undefined => {
    const count = last[key].count - first[key].count;
    return count > 0 ? rounded(Math.max(0, last[key].sum - first[key].sum) / count / scale) : undefined;
  };
  const p95 = (key: 'loss' | 'jitter' | 'rtt', scale = 1): number | undefined => {
    const value = percentile95(first[key], last[key]);
    return value === undefined ? undefined : rounded(value / scale);
  };
  const perSecond = (key: 'nacks' | 'plis'): number =>
    rounded((Math.max(0, last[key] - first[key]) / (to - from)) * 1000);
  const measured = {
    score: mean('score'),
    lossIn: mean('lossIn'),
    lossOut: mean('lossOut'),
    lossP95: p95('loss'),
    jitter: mean('jitter', 1000),
    jitterP95: p95('jitter', 1000),
    rtt: mean('rtt'),
    rttP95: p95('rtt'),
  };
  const known = Object.entries(measured).filter(([, value]) => value !== undefined);
  return known.length === 0
    ? {}
    : { quality: { ...Object.fromEntries(known), nack: perSecond('nacks'), pli: perSecond('plis') } };
}

/** As Prometheus’ histogram_quantile: straight between two limits, and the largest limit for what is beyond it. */
function percentile95(first: Distribution, last: Distribution): number | undefined {
  const wanted = 0.95 * (last.count - first.count);
  if (wanted <= 0) return undefined;
  let [below, countBelow] = [0, 0];
  for (const [limit, total] of [...last.upTo].toSorted(([a], [b]) => a - b)) {
    const count = total - (first.upTo.get(limit) ?? 0);
    if (limit === Number.POSITIVE_INFINITY) break;
    if (count >= wanted) return below + ((limit - below) * (wanted - countBelow)) / Math.max(1, count - countBelow);
    [below, countBelow] = [limit, count];
  }
  return below;
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
const milliseconds = (totalNs: number, count: number): number => Math.max(0, Math.round(totalNs / count / 1000) / 1000);
