import { randomBytes } from 'node:crypto';
import type { ProbeAnswer } from '#shared/schema/check.ts';

/** Requests of the daemon to itself that are under way. Only it knows their nonces. */
export class Probes {
  readonly #open = new Set<string>();

  /** @param use is called with a nonce that is known until it ends */
  async during<T>(use: (nonce: string) => Promise<T>): Promise<T> {
    const nonce = randomBytes(16).toString('base64url');
    this.#open.add(nonce);
    try {
      return await use(nonce);
    } finally {
      this.#open.delete(nonce);
    }
  }

  isOpen(nonce: string): boolean {
    return this.#open.has(nonce);
  }
}

/** Does the text look like the answer of a probe? It comes from wherever the public address leads. */
export function readProbe(text: string): ProbeAnswer | undefined {
  try {
    const found = JSON.parse(text) as Partial<ProbeAnswer> | null;
    const isProbe =
      typeof found?.protocol === 'string' &&
      typeof found.address === 'string' &&
      typeof found.isForwarded === 'boolean' &&
      typeof found.isTrusted === 'boolean';
    return isProbe ? (found as ProbeAnswer) : undefined;
  } catch {
    return undefined;
  }
}
