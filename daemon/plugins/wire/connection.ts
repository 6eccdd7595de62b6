import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { allowedAt } from '#shared/plugin-sdk/preset.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import { ANSWERS, type Answer } from './answers.ts';
import { Credit, IncomingBody, sendBody } from './bodies.ts';
import { creditFrame, encodeFrame, FRAME, type Frame, FrameReader, jsonFrame, ProtocolError } from './frames.ts';
import { detailOf, fromWireError, isPlain, type Method, type Params, PURE, stackIn } from './protocol.ts';

/** Time limits of calls, milliseconds. */
export interface CallLimits {
  /** Calls that need no network. */
  pureMs: number;
  /** Calls that ask the storage; of a body, the longest silence. */
  networkMs: number;
}

/** How a connection reports a plugin that misbehaves. */
export type Fault =
  /** It broke the protocol, or a call without any network never ended. */
  | { kind: 'broken'; reason: string }
  /** A call that asks the storage took too long: that may be the storage's fault. */
  | { kind: 'slow'; reason: string }
  /** Its code threw an error in a call. */
  | { kind: 'threw'; reason: string; stack: string };

interface Pending {
  method: Method;
  resolve(answer: { value: unknown; body: Readable | undefined }): void;
  reject(error: StorageError): void;
  /** The caller has gone; the answer is dropped. */
  isAbandoned: boolean;
  timer: NodeJS.Timeout | undefined;
  sending: Credit | undefined;
  body: IncomingBody | undefined;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  body?: AsyncIterable<Uint8Array | string> | undefined;
}

/** A worker's connection to a plugin's process. Every answer is validated first. */
export class PluginConnection {
  readonly #socket: Socket;
  readonly #limits: CallLimits;
  readonly #onFault: (fault: Fault) => void;
  readonly #reader = new FrameReader();
  readonly #pending = new Map<number, Pending>();
  #next = 1;
  #closed: StorageError | undefined;

  constructor(socket: Socket, limits: CallLimits, onFault: (fault: Fault) => void) {
    this.#socket = socket;
    this.#limits = limits;
    this.#onFault = onFault;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () =>
      this.#end(new StorageError('PLUGIN_FAILED', { detail: 'It ended while it was working.' })),
    );
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  /**
   * Asks the plugin. The body of an answer must be read or destroyed.
   * @throws StorageError and nothing else
   */
  async call<M extends Method>(
    method: M,
    params: Params[M],
    { signal, body }: CallOptions = {},
  ): Promise<{ value: Answer<M>; body: Readable | undefined }> {
    if (this.#closed !== undefined) throw this.#closed;
    if (signal?.aborted) throw new StorageError('ABORTED');
    const call = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<{ value: unknown; body: Readable | undefined }>();
    const sending = body === undefined ? undefined : new Credit();
    const pending: Pending = {
      method,
      resolve,
      reject,
      isAbandoned: false,
      timer: undefined,
      sending,
      body: undefined,
    };
    this.#pending.set(call, pending);
    this.#watch(call, pending);
    const abort = () => this.#abandon(call, pending, new StorageError('ABORTED'));
    signal?.addEventListener('abort', abort, { once: true });
    try {
      this.#socket.write(jsonFrame(FRAME.call, call, { method, params, hasBody: body !== undefined }));
      if (body !== undefined && sending !== undefined) this.#send(call, pending, body, sending);
      return (await promise) as { value: Answer<M>; body: Readable | undefined };
    } finally {
      if (pending.body === undefined) signal?.removeEventListener('abort', abort);
    }
  }

  close(): void {
    this.#end(new StorageError('ABORTED'));
    this.#socket.destroy();
  }

  #send(call: number, pending: Pending, body: AsyncIterable<Uint8Array | string>, credit: Credit): void {
    const write = (chunk: Uint8Array) => {
      this.#watch(call, pending); // something moves
      this.#socket.write(encodeFrame(FRAME.chunk, call, chunk));
    };
    sendBody(body, credit, write).then(
      () => this.#socket.write(encodeFrame(FRAME.end, call)),
      () => {
        // the source failed, or nobody takes it any more
        if (this.#pending.get(call) === pending) this.#abandon(call, pending, new StorageError('ABORTED'));
      },
    );
  }

  #watch(call: number, pending: Pending): void {
    clearTimeout(pending.timer);
    const isPure = PURE.has(pending.method);
    const limit = isPure ? this.#limits.pureMs : this.#limits.networkMs;
    pending.timer = setTimeout(() => {
      const reason = `${WORDS[pending.method]} took longer than ${limit / 1000} s`;
      this.#abandon(call, pending, new StorageError('TIMEOUT', { detail: `In the plugin, ${reason}.` }));
      this.#onFault({ kind: isPure ? 'broken' : 'slow', reason });
    }, limit);
  }

  /** Tells the plugin that the caller has gone, and forgets the call once it has answered. */
  #abandon(call: number, pending: Pending, error: StorageError): void {
    if (pending.isAbandoned) return;
    pending.isAbandoned = true;
    clearTimeout(pending.timer);
    pending.sending?.end(error);
    pending.body?.destroy(error);
    pending.reject(error);
    if (this.#closed === undefined) this.#socket.write(encodeFrame(FRAME.cancel, call));
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) {
        if (this.#closed !== undefined) return;
        this.#take(frame);
      }
    } catch (error) {
      const reason = error instanceof ProtocolError ? error.message : 'it sent data that cannot be read';
      this.#onFault({ kind: 'broken', reason });
      this.#end(new StorageError('PLUGIN_FAILED', { detail: `It sent an invalid answer: ${reason}.` }));
      this.#socket.destroy();
    }
  }

  #take({ kind, call, payload }: Frame): void {
    const pending = this.#pending.get(call);
    if (pending === undefined) throw new ProtocolError('it answered a call that was never made');
    switch (kind) {
      case FRAME.credit:
        if (pending.sending === undefined || payload.byteLength !== 4)
          throw new ProtocolError('it requested a body that does not exist');
        pending.sending.grant(payload.readUInt32BE());
        return;
      case FRAME.result:
        this.#answer(call, pending, payload);
        return;
      case FRAME.error: {
        const said = parse(payload);
        const error = fromWireError(said);
        const stack = stackIn(said);
        if (stack !== undefined)
          this.#onFault({ kind: 'threw', reason: `${WORDS[pending.method]} failed: ${detailOf(error)}`, stack });
        this.#finish(call, pending);
        pending.body?.destroy(error);
        pending.reject(error);
        return;
      }
      case FRAME.chunk:
        if (pending.isAbandoned) return;
        if (pending.body === undefined) throw new ProtocolError('it sent bytes that were not requested');
        if (!pending.body.accept(payload)) throw new ProtocolError('it sent more bytes than requested');
        this.#watch(call, pending);
        return;
      case FRAME.end:
        if (pending.body === undefined && !pending.isAbandoned)
          throw new ProtocolError('it ended a body that does not exist');
        this.#finish(call, pending);
        pending.body?.complete();
        return;
      default:
        throw new ProtocolError('it sent a message that only the host may send');
    }
  }

  #answer(call: number, pending: Pending, payload: Buffer): void {
    if (pending.body !== undefined) throw new ProtocolError('it answered twice');
    const value = parse(payload);
    const schema = ANSWERS[pending.method];
    if (!Value.Check(schema, value)) {
      throw new ProtocolError(`${WORDS[pending.method]} returned an invalid answer: ${wrongField(schema, value)}`);
    }
    if (pending.isAbandoned) {
      if (pending.method !== 'get') this.#finish(call, pending);
      return;
    }
    if (pending.method !== 'get') {
      this.#finish(call, pending);
      pending.resolve({ value, body: undefined });
      return;
    }
    const body = new IncomingBody(
      (bytes) => {
        if (this.#closed !== undefined) return;
        this.#watch(call, pending);
        this.#socket.write(creditFrame(call, bytes));
      },
      () => {
        // closed before its end: the plugin need not send the rest
        if (this.#pending.get(call) === pending) this.#abandon(call, pending, new StorageError('ABORTED'));
      },
    );
    pending.body = body;
    this.#watch(call, pending);
    pending.resolve({ value, body });
  }

  #finish(call: number, pending: Pending): void {
    clearTimeout(pending.timer);
    pending.sending?.end(new StorageError('ABORTED'));
    this.#pending.delete(call);
  }

  #end(error: StorageError): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.sending?.end(error);
      pending.body?.destroy(error);
      pending.reject(error);
    }
    this.#pending.clear();
  }
}

const WORDS: Record<Method, string> = {
  describe: 'describing itself',
  validate: 'validating its settings',
  egressTarget: 'asking where LiveKit writes',
  open: 'opening the storage',
  put: 'storing an object',
  get: 'reading an object',
  head: 'describing an object',
  list: 'listing objects',
  next: 'listing objects',
  return: 'ending a listing',
  deleteMany: 'deleting objects',
  abortUploads: 'removing unfinished uploads',
  presignGet: 'making a link',
};

/** The field of an answer that is wrong, and why: the deepest one, where an answer may have several forms. */
function wrongField(schema: TSchema, value: unknown): string {
  const errors = [...Value.Errors(schema, value)].filter(({ keyword }) => keyword !== 'anyOf');
  const depth = ({ instancePath }: { instancePath: string }): number => instancePath.split('/').length;
  // an object is meant to be one of the forms that are objects
  const meant = errors.filter(({ message, instancePath }) => instancePath !== '' || !/null$/.test(message));
  const [worst] = (meant.length > 0 ? meant : errors).toSorted((one, other) => depth(other) - depth(one));
  const where = worst?.instancePath.replaceAll('/', '.').slice(1) || 'the answer';
  const allowed = worst === undefined ? '' : allowedAt(errors, worst.instancePath);
  return `${where} ${allowed || (worst?.message ?? 'is wrong')}`;
}

function parse(payload: Buffer): unknown {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch {
    throw new ProtocolError('it sent invalid JSON');
  }
  if (!isPlain(value)) throw new ProtocolError('it sent data that is nested too deep or sets a prototype');
  return value;
}
