import { Readable } from 'node:stream';
import { CHUNK_BYTES, WINDOW_BYTES } from './frames.ts';

/** How many bytes the other side allows. */
export class Credit {
  #left = WINDOW_BYTES;
  #waiting: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #ended: Error | undefined;

  /** Never grants more than one window, even if the other side requests more. */
  grant(bytes: number): void {
    this.#left = Math.min(this.#left + bytes, WINDOW_BYTES);
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  /** Ends all waiting calls. */
  end(error: Error): void {
    this.#ended ??= error;
    this.#waiting?.reject(this.#ended);
    this.#waiting = undefined;
  }

  /** Takes up to `bytes`, at least one; waits for it. */
  async take(bytes: number): Promise<number> {
    while (this.#left <= 0) {
      if (this.#ended !== undefined) throw this.#ended;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#waiting = { resolve, reject };
      await promise;
    }
    if (this.#ended !== undefined) throw this.#ended;
    const taken = Math.min(bytes, this.#left);
    this.#left -= taken;
    return taken;
  }
}

/** Sends a body in chunks, as fast as the receiver takes them. */
export async function sendBody(
  source: AsyncIterable<Uint8Array | string>,
  credit: Credit,
  send: (chunk: Uint8Array) => void,
): Promise<void> {
  for await (const piece of source) {
    let rest: Uint8Array = typeof piece === 'string' ? Buffer.from(piece) : piece;
    while (rest.byteLength > 0) {
      const size = await credit.take(Math.min(rest.byteLength, CHUNK_BYTES));
      send(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  }
}

/** The receiving end of a body. */
export class IncomingBody extends Readable {
  readonly #grant: (bytes: number) => void;
  readonly #onClose: () => void;
  #outstanding = 0;

  constructor(grant: (bytes: number) => void, onClose: () => void = () => {}) {
    super({ highWaterMark: CHUNK_BYTES });
    this.#grant = grant;
    this.#onClose = onClose;
  }

  /** False when the sender exceeds what it was granted. */
  accept(bytes: Buffer): boolean {
    this.#outstanding += bytes.byteLength;
    if (this.#outstanding > WINDOW_BYTES) return false;
    this.push(Buffer.from(bytes));
    return true;
  }

  complete(): void {
    this.push(null);
  }

  override _read(): void {
    const used = this.#outstanding - this.readableLength;
    if (used < CHUNK_BYTES) return;
    this.#outstanding -= used;
    this.#grant(used);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#onClose();
    callback(error);
  }
}
