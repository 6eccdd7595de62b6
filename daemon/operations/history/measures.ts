import { MEASURES, type Measure } from '#shared/schema/history.ts';
import type { ServerStats } from '#shared/schema/stats.ts';

export type Measures = Partial<Record<Measure, number>>;

const num = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;
const part = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;

/** The numbers of a heartbeat that are worth a line; any may be absent. */
export function ofHeartbeat(stats: unknown): Measures {
  const livekit = part(stats, 'livekit');
  const net = part(stats, 'net');
  return defined({
    cpu: num(part(stats, 'cpu')),
    memory: num(part(stats, 'memUsedRatio')),
    rooms: num(part(livekit, 'rooms')),
    participants: num(part(livekit, 'participants')),
    tx: num(part(livekit, 'txBytesPerSecond')) ?? num(part(net, 'txBytesPerSecond')),
    rx: num(part(livekit, 'rxBytesPerSecond')) ?? num(part(net, 'rxBytesPerSecond')),
  });
}

export function ofServer({ cpu, memory, disk, counts, livekitReachable }: ServerStats): Measures {
  return defined({
    cpu: (cpu.loadAvg[0] ?? 0) / Math.max(1, cpu.cores),
    memory: memory.usedBytes / Math.max(1, memory.totalBytes),
    disk: disk ? disk.usedBytes / Math.max(1, disk.totalBytes) : undefined,
    streams: counts.activeStreams,
    // what LiveKit does not tell is unknown, not zero
    rooms: livekitReachable ? counts.rooms : undefined,
  });
}

function defined(values: Partial<Record<Measure, number | undefined>>): Measures {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Measures;
}

/** Means of what came in within a minute. */
export class MinuteMean {
  readonly #sums = new Map<Measure, { sum: number; count: number }>();

  add(values: Measures): void {
    for (const measure of MEASURES) {
      const value = values[measure];
      if (value === undefined) continue;
      const { sum, count } = this.#sums.get(measure) ?? { sum: 0, count: 0 };
      this.#sums.set(measure, { sum: sum + value, count: count + 1 });
    }
  }

  /** Null for what was not told. */
  means(): Record<Measure, number | null> {
    const mean = (measure: Measure): number | null => {
      const of = this.#sums.get(measure);
      // six digits are more than any line shows
      return of === undefined ? null : Number((of.sum / of.count).toPrecision(6));
    };
    return Object.fromEntries(MEASURES.map((measure) => [measure, mean(measure)])) as Record<Measure, number | null>;
  }
}
