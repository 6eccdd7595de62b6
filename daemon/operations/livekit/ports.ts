import { randomInt } from 'node:crypto';
import { isPortFree } from '#daemon/edge/ports.ts';
import type { Meta } from '#daemon/platform/db/meta.ts';

const KEY = 'livekit.ports';
const TRIES = 200;

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
  #ports: Record<string, number>;

  constructor(meta: Meta) {
    this.#meta = meta;
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
    const port = await this.#firstFree(kept, protocol, address, isFixed);
    if (port === undefined) {
      const what = `${protocol.toUpperCase()} port ${kept} is in use by another program`;
      throw new Error(
        isFixed ? `${what}; free it, or choose another in LiveKit’s settings` : `${what}, and no other is free`,
      );
    }
    if (this.#ports[name] !== port) {
      this.#ports = { ...this.#ports, [name]: port };
      this.#meta.set(KEY, JSON.stringify(this.#ports));
    }
    return port;
  }

  async #firstFree(first: number, protocol: 'tcp' | 'udp', address: string | undefined, isFixed: boolean) {
    const others = new Set(Object.values(this.#ports));
    for (let i = 0; i < (isFixed ? 1 : TRIES); i += 1) {
      // near the usual one first; then below the kernel's range for outgoing connections
      const port = i === 0 ? first : i < 20 && first < 65_000 ? first + 10 * i : randomInt(10_000, 30_000);
      if (i > 0 && others.has(port)) continue;
      if (await isPortFree(port, protocol, address)) return port;
    }
    return undefined;
  }
}
