import { randomInt } from 'node:crypto';
import { isPortFree, portProblem } from '#daemon/edge/ports.ts';
import type { Meta } from '#daemon/platform/db/meta.ts';

const KEY = 'livekit.ports';
const TRIES = 200;
/** Below the range of most kernels for outgoing connections. */
const RANGE: PortRange = { from: 10_000, to: 30_000 };

/** Ports that are tried when the usual ones are taken; `to` is not one of them. */
export interface PortRange {
  from: number;
  to: number;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program',
  EACCES: 'needs rights that the daemon doesn’t have',
  EADDRNOTAVAIL: 'is on an address that this machine doesn’t have',
};

/** A port that a program wants. */
export interface WantedPort {
  name: string;
  preferred: number;
  protocol: 'tcp' | 'udp';
  /** Absent = on every address. */
  address?: string | undefined;
  /** An operator's choice: no other is taken. */
  isFixed?: boolean;
}

/** Ports of the managed programs: chosen once, and kept as long as they are free. */
export class KeptPorts {
  readonly #meta: Meta;
  readonly #range: PortRange;
  #ports: Record<string, number>;

  constructor(meta: Meta, range = RANGE) {
    this.#meta = meta;
    this.#range = range;
    this.#ports = JSON.parse(meta.get(KEY) ?? '{}') as Record<string, number>;
  }

  get(name: string): number | undefined {
    return this.#ports[name];
  }

  /**
   * Settles a port for a program that is about to start.
   * @throws Error when the operator's own choice is taken, or none is free
   */
  async choose({ name, preferred, protocol, address, isFixed = false }: WantedPort): Promise<number> {
    const kept = isFixed ? preferred : (this.#ports[name] ?? preferred);
    const problem = await portProblem(kept, protocol, address);
    const port = problem === null ? kept : isFixed ? undefined : await this.#otherFree(kept, protocol, address);
    if (port === undefined) {
      const what = `${protocol.toUpperCase()} port ${kept} ${PROBLEMS[problem ?? ''] ?? `can’t be opened (${problem})`}`;
      throw new Error(
        isFixed
          ? `${what}; free it, or choose another in LiveKit’s settings`
          : `${what}, and of ${TRIES} others none is free; end a program that holds ports`,
      );
    }
    if (this.#ports[name] !== port) {
      this.#ports = { ...this.#ports, [name]: port };
      this.#meta.set(KEY, JSON.stringify(this.#ports));
    }
    return port;
  }

  async #otherFree(first: number, protocol: 'tcp' | 'udp', address: string | undefined) {
    const others = new Set(Object.values(this.#ports));
    const { from, to } = this.#range;
    for (let i = 1; i <= TRIES; i += 1) {
      // near the usual one first
      const port = i < 20 && first < 65_000 ? first + 10 * i : randomInt(from, to);
      if (!others.has(port) && (await isPortFree(port, protocol, address))) return port;
    }
    return undefined;
  }
}
