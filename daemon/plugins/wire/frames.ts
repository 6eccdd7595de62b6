/**
 * How a worker and a plugin's process talk: frames of `u32 length, u8 kind, u32 call, payload` over one socket. Everything
 * from the plugin is treated as hostile: each frame has a limit, and a message that doesn't fit the protocol ends the process.
 */
export const FRAME = {
  /** To the plugin: JSON `{ method, params, hasBody }`. */
  call: 0,
  /** From the plugin: JSON of the value; a body may follow as chunks. */
  result: 1,
  /** JSON of a `WireError`; ends a call or a body. */
  error: 2,
  /** Bytes of a body, either way, no more than the receiver has granted. */
  chunk: 3,
  /** The body is complete. */
  end: 4,
  /** u32: how many more bytes the receiver accepts. */
  credit: 5,
  /** To the plugin: the caller no longer waits for the answer. */
  cancel: 6,
} as const;
export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

/** Largest payload of a frame. A thousand keys with a reason for each fit in. */
const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;
export const CHUNK_BYTES = 64 * 1024;
/** Bytes of a body that may be under way; both sides begin with this credit. */
export const WINDOW_BYTES = 1024 * 1024;

const HEADER = 9;
const KNOWN = new Set<number>(Object.values(FRAME));

export interface Frame {
  kind: FrameKind;
  call: number;
  payload: Buffer;
}

/** A message that breaks the protocol; `message` is for people. */
export class ProtocolError extends Error {}

export function encodeFrame(kind: FrameKind, call: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const frame = Buffer.allocUnsafe(HEADER + payload.byteLength);
  frame.writeUInt32BE(payload.byteLength, 0);
  frame.writeUInt8(kind, 4);
  frame.writeUInt32BE(call, 5);
  frame.set(payload, HEADER);
  return frame;
}

export const jsonFrame = (kind: FrameKind, call: number, value: unknown): Buffer =>
  encodeFrame(kind, call, Buffer.from(JSON.stringify(value ?? null)));

export function creditFrame(call: number, bytes: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(bytes);
  return encodeFrame(FRAME.credit, call, payload);
}

/** Splits a stream of bytes into frames; buffers one frame at most. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #held = 0;
  #need = HEADER;

  /** @throws ProtocolError */
  *push(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#held += chunk.byteLength;
    while (this.#held >= this.#need) {
      const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#held);
      this.#chunks = [bytes];
      const length = bytes.readUInt32BE(0);
      const kind = bytes.readUInt8(4);
      if (!KNOWN.has(kind)) throw new ProtocolError('it sent something that is not a message');
      if (length > MAX_PAYLOAD_BYTES)
        throw new ProtocolError(`it sent a message of more than ${MAX_PAYLOAD_BYTES} bytes`);
      this.#need = HEADER + length;
      if (this.#held < this.#need) return;
      const rest = bytes.subarray(this.#need);
      const frame = {
        kind: kind as FrameKind,
        call: bytes.readUInt32BE(5),
        payload: bytes.subarray(HEADER, this.#need),
      };
      this.#chunks = rest.byteLength > 0 ? [rest] : [];
      this.#held = rest.byteLength;
      this.#need = HEADER;
      yield frame;
    }
  }
}
