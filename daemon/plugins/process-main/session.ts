import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { sentence } from '#shared/format.ts';
import type { Plugin } from '#shared/plugin-sdk/plugin.ts';
import { PluginRefusal } from '#shared/plugin-sdk/problems.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type { NetworkGuard, ObjectInfo, StorageClient, StorageProvider } from '#shared/plugin-sdk/storage-provider.ts';
import type { Answer } from '../wire/answers.ts';
import { Credit, IncomingBody, sendBody } from '../wire/bodies.ts';
import { creditFrame, encodeFrame, FRAME, type Frame, FrameReader, jsonFrame } from '../wire/frames.ts';
import { type Method, type Params, plain, plainAnswer, toWireError, type WireError } from '../wire/protocol.ts';
import { wordsOf } from './author-errors.ts';
import { conceal, redacted, withoutSecrets } from './redaction.ts';

const PAGE = 1000;
const MAX_STACK = 8000;
const CLIENT_METHODS = ['put', 'get', 'head', 'list', 'deleteMany', 'dispose'] as const;

/** What a provider returned isn't what it must be; the field is named. */
const invalid = (doing: string, what: string): Error => new TypeError(`${doing} returned an invalid answer: ${what}`);

interface Call {
  stop: AbortController;
  incoming: IncomingBody | undefined;
  sending: Credit | undefined;
}

/** Serves one connection from a worker, which opens at most one storage. Runs in the plugin's process. */
export class PluginSession {
  readonly #socket: Socket;
  readonly #plugin: Plugin;
  readonly #guard: NetworkGuard;
  readonly #calls = new Map<number, Call>();
  readonly #lists = new Map<number, Lister>();
  #client: StorageClient | undefined;
  #nextList = 0;

  constructor(socket: Socket, plugin: Plugin, guard: NetworkGuard) {
    this.#socket = socket;
    this.#plugin = plugin;
    this.#guard = guard;
    const reader = new FrameReader();
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) this.#take(frame);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const call of this.#calls.values()) call.stop.abort();
      this.#client?.dispose();
    });
  }

  #take({ kind, call: id, payload }: Frame): void {
    if (kind === FRAME.call) {
      const { method, params, hasBody } = JSON.parse(payload.toString('utf8')) as {
        method: Method;
        params: never;
        hasBody: boolean;
      };
      const incoming = hasBody ? new IncomingBody((bytes) => this.#socket.write(creditFrame(id, bytes))) : undefined;
      incoming?.on('error', () => {});
      const call: Call = { stop: new AbortController(), incoming, sending: undefined };
      this.#calls.set(id, call);
      void this.#run(id, call, method, params);
      return;
    }
    const call = this.#calls.get(id);
    if (call === undefined) return;
    if (kind === FRAME.chunk) call.incoming?.accept(payload);
    else if (kind === FRAME.end) call.incoming?.complete();
    else if (kind === FRAME.credit) call.sending?.grant(payload.readUInt32BE());
    else if (kind === FRAME.cancel) {
      call.stop.abort();
      call.incoming?.destroy(new StorageError('ABORTED'));
      call.sending?.end(new StorageError('ABORTED'));
    }
  }

  async #run(id: number, call: Call, method: Method, params: never): Promise<void> {
    try {
      if (method === 'get') await this.#get(id, call, params);
      else {
        const act = this.#methods[method] as (params: never, call: Call) => Promise<unknown>;
        this.#socket.write(jsonFrame(FRAME.result, id, await act(params, call)));
      }
    } catch (error) {
      const said = error instanceof StorageError ? toWireError(error) : thrown(error);
      this.#socket.write(jsonFrame(FRAME.error, id, withoutSecrets(said)));
    } finally {
      call.incoming?.destroy();
      this.#calls.delete(id);
    }
  }

  async #get(id: number, call: Call, { key, range }: Params['get']): Promise<void> {
    const { signal } = call.stop;
    const { body, size, contentType } = await this.#storage().get(key, { signal, ...(range ? { range } : {}) });
    if (typeof body?.pipe !== 'function') throw invalid('reading an object', 'body must be a readable stream');
    call.sending = new Credit();
    try {
      this.#socket.write(jsonFrame(FRAME.result, id, { size: size ?? null, contentType: contentType ?? null }));
      await sendBody(body, call.sending, (chunk) => this.#socket.write(encodeFrame(FRAME.chunk, id, chunk)));
      this.#socket.write(encodeFrame(FRAME.end, id));
    } finally {
      body.destroy();
    }
  }

  readonly #methods: {
    [M in Exclude<Method, 'get'>]: (params: Params[M], call: Call) => Promise<Answer<M>> | Answer<M>;
  } = {
    // loaded when first needed, so that a process is there sooner
    describe: async ({ ids }) => {
      const { describeProviders } = await import('../describe.ts');
      try {
        return { providers: describeProviders(this.#plugin, ids) } as unknown as Answer<'describe'>;
      } catch (error) {
        const [first] = error instanceof PluginRefusal ? error.problems : [];
        return { problem: first?.code ?? 'CODE_THROWS', detail: wordsOf(error) };
      }
    },
    validate: async ({ provider, settings, change }) => {
      const { validateSettings } = await import('../provider-calls.ts');
      return validateSettings(this.#provider(provider), settings, change as never);
    },
    egressTarget: async ({ provider, settings, credentials }) => {
      const { targetOf } = await import('../provider-calls.ts');
      conceal(credentials);
      return targetOf(this.#provider(provider), settings, credentials);
    },
    open: async ({ provider, settings, credentials }) => {
      const chosen = this.#provider(provider);
      conceal(credentials);
      const client = await chosen.open({ settings, credentials, guard: this.#guard });
      const missing = CLIENT_METHODS.filter((name) => typeof client?.[name] !== 'function');
      if (missing.length > 0)
        throw invalid('opening the storage', missing.map((name) => `${name} must be a function`).join('; '));
      this.#client = client;
      return {
        canPresign: chosen.capabilities.presign && typeof this.#client.presignGet === 'function',
        canAbort: chosen.capabilities.multipart && typeof this.#client.abortUploads === 'function',
      };
    },
    put: async ({ key, contentType, cacheControl, contentLength, inParts }, { incoming, stop }) => {
      const body = incoming ?? Readable.from([]);
      // a small body of known length need not be sent in parts
      const known = contentLength !== undefined && contentLength <= PAGE * PAGE ? await gather(body) : body;
      await this.#storage().put(key, known, {
        signal: stop.signal,
        ...(contentType === undefined ? {} : { contentType }),
        ...(cacheControl === undefined ? {} : { cacheControl }),
        ...(contentLength === undefined ? {} : { contentLength }),
        ...(inParts === undefined ? {} : { inParts }),
      });
      return null;
    },
    head: async ({ key }, { stop }) => {
      const found = await this.#storage().head(key, { signal: stop.signal });
      return found && infoOf(found);
    },
    list: ({ prefix, startAfter, pageSize }) => {
      const iterator = this.#nextList++;
      const options = { prefix, ...(startAfter === undefined ? {} : { startAfter }), pageSize: pageSize ?? PAGE };
      this.#lists.set(iterator, new Lister((signal) => this.#storage().list({ ...options, signal })));
      return { iterator };
    },
    next: async ({ iterator }, { stop }) => {
      let page: ObjectInfo[] | undefined;
      try {
        page = await this.#lists.get(iterator)?.next(stop.signal);
      } finally {
        if (page === undefined) this.#endList(iterator);
      }
      return page ?? null;
    },
    return: ({ iterator }) => {
      this.#endList(iterator);
      return null;
    },
    deleteMany: async ({ keys, allVersions }, { stop }) => {
      const options = { signal: stop.signal, ...(allVersions ? { allVersions } : {}) };
      const { deleted, failed, versionsKept = 0, bulkRefusal } = await this.#storage().deleteMany(keys, options);
      return {
        deleted,
        versionsKept,
        // what isn't a list is refused as it is, by its name
        failed: Array.isArray(failed)
          ? failed.map(({ key, code, message, ...said }) => ({
              key,
              code,
              message: plain(redacted(String(message)), 300),
              ...withoutSecrets(new StorageError('FAILED', plainAnswer(said)).answer),
            }))
          : failed,
        ...(typeof bulkRefusal === 'string' ? { bulkRefusal: plain(redacted(bulkRefusal), 300) } : {}),
      };
    },
    abortUploads: async ({ prefix }, { stop }) => {
      const client = this.#storage();
      if (client.abortUploads === undefined) throw new StorageError('UNSUPPORTED');
      return client.abortUploads(prefix, { signal: stop.signal });
    },
    presignGet: async ({ key, expiresIn, downloadName }) => {
      const client = this.#storage();
      if (client.presignGet === undefined) throw new StorageError('UNSUPPORTED');
      return client.presignGet(key, { expiresIn, ...(downloadName === undefined ? {} : { downloadName }) });
    },
  };

  #endList(iterator: number): void {
    this.#lists.get(iterator)?.return();
    this.#lists.delete(iterator);
  }

  #provider(id: string): StorageProvider {
    const provider = this.#plugin.storageProviders?.find((candidate) => candidate.id === id);
    if (provider === undefined) throw new StorageError('UNSUPPORTED', { detail: `It does not export ${id}.` });
    return provider as StorageProvider;
  }

  #storage(): StorageClient {
    if (this.#client === undefined) throw new StorageError('FAILED', { detail: 'No storage is open.' });
    return this.#client;
  }
}

/** A fault of the plugin's own code. */
function thrown(error: unknown): WireError {
  const words = wordsOf(error);
  const stack = error instanceof Error ? redacted(String(error.stack)).slice(0, MAX_STACK) : words;
  return { code: 'PLUGIN_FAILED', detail: sentence(words), stack };
}

/** A listing that is asked for page by page; larger pages of the plugin are cut. */
class Lister {
  readonly #stop = new AbortController();
  readonly #pages: AsyncIterator<ObjectInfo[]>;
  #rest: ObjectInfo[] = [];

  constructor(open: (signal: AbortSignal) => AsyncIterable<ObjectInfo[]>) {
    const pages = open(this.#stop.signal);
    if (typeof pages?.[Symbol.asyncIterator] !== 'function')
      throw invalid('listing objects', 'list must return an async iterable of pages');
    this.#pages = pages[Symbol.asyncIterator]();
  }

  async next(signal: AbortSignal): Promise<ObjectInfo[] | undefined> {
    const abort = () => this.#stop.abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      if (this.#rest.length === 0) {
        const page = await this.#pages.next();
        if (page.done) return undefined;
        if (!Array.isArray(page.value)) throw invalid('listing objects', 'each page must be a list');
        this.#rest = page.value;
      }
      const now = this.#rest.slice(0, PAGE).map(infoOf);
      this.#rest = this.#rest.slice(PAGE);
      return now;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Does not wait: a listing that hangs would not end either. */
  return(): void {
    this.#stop.abort();
    this.#pages.return?.()?.catch(() => {});
  }
}

function infoOf({ key, size, modifiedAt, etag, md5, contentType }: ObjectInfo): ObjectInfo {
  return {
    key,
    size,
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
    ...(etag === undefined ? {} : { etag }),
    ...(md5 === undefined ? {} : { md5 }),
    ...(contentType === undefined ? {} : { contentType }),
  };
}

async function gather(body: Readable): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
