import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { EgressTarget } from '#shared/plugin-sdk/egress-target.ts';
import { limitedPages } from '#shared/plugin-sdk/listing-limit.ts';
import { PLUGIN_PROBLEMS, type PluginProblemCode, PluginRefusal, pluginProblem } from '#shared/plugin-sdk/problems.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type {
  CallOptions,
  DeleteOptions,
  DeleteResult,
  GetOptions,
  ListOptions,
  ObjectInfo,
  PresignOptions,
  PutOptions,
  SettingsChange,
  StorageClient,
} from '#shared/plugin-sdk/storage-provider.ts';
import type { BrokerClient } from './broker-client.ts';
import type { ValidatedSettings } from './provider-calls.ts';
import type { ProviderDescription, ProviderRef } from './records.ts';
import { PluginConnection } from './wire/connection.ts';
import type { Params } from './wire/protocol.ts';

/** Connects to a plugin's process. @throws StorageError */
async function connectPlugin(broker: BrokerClient, plugin: string): Promise<PluginConnection> {
  const { address, limits } = await broker.open(plugin);
  if (address === null) throw new StorageError('FAILED');
  const socket = await new Promise<Socket>((resolve, reject) => {
    const attempt = connect(address, () => resolve(attempt));
    attempt.once('error', () => reject(new StorageError('PLUGIN_FAILED', { detail: 'It ended.' })));
  });
  return new PluginConnection(socket, limits, (fault) => broker.report(address, fault));
}

async function once<T>(
  broker: BrokerClient,
  plugin: string,
  ask: (connection: PluginConnection) => Promise<T>,
): Promise<T> {
  const connection = await connectPlugin(broker, plugin);
  try {
    return await ask(connection);
  } finally {
    connection.close();
  }
}

/** @throws PluginRefusal when what it exports is not what its manifest says */
export async function describeRemotely(
  broker: BrokerClient,
  plugin: string,
  ids: readonly string[],
): Promise<ProviderDescription[]> {
  const { value } = await once(broker, plugin, (connection) => connection.call('describe', { ids }));
  if ('problem' in value) {
    const { problem: code, detail } = value;
    const isKnown = Object.hasOwn(PLUGIN_PROBLEMS, code);
    const known = pluginProblem(isKnown ? (code as PluginProblemCode) : 'CODE_THROWS', { detail });
    throw new PluginRefusal([{ ...known, message: detail }]);
  }
  return value.providers as unknown as ProviderDescription[];
}

export async function validateRemotely(
  broker: BrokerClient,
  { plugin, provider }: ProviderRef,
  settings: Record<string, unknown>,
  change: SettingsChange | null,
): Promise<ValidatedSettings> {
  const { value } = await once(broker, plugin, (connection) =>
    connection.call('validate', { provider, settings, change }),
  );
  return value;
}

export async function targetRemotely(
  broker: BrokerClient,
  { plugin, provider }: ProviderRef,
  settings: Record<string, unknown>,
  credentials: Readonly<Record<string, string>>,
): Promise<EgressTarget> {
  const params = { provider, settings, credentials: { ...credentials } };
  return (await once(broker, plugin, (connection) => connection.call('egressTarget', params))).value;
}

/**
 * A storage opened by a plugin's process. The next call replaces a broken connection, so that one
 * crash costs one call.
 */
export class RemoteStorage implements StorageClient {
  readonly #broker: BrokerClient;
  readonly #plugin: string;
  readonly #params: Params['open'];
  #open: Promise<PluginConnection> | undefined;
  #canPresign = false;
  #canAbort = false;
  #isDisposed = false;

  private constructor(broker: BrokerClient, plugin: string, params: Params['open']) {
    this.#broker = broker;
    this.#plugin = plugin;
    this.#params = params;
  }

  /** @throws StorageError */
  static async open(
    broker: BrokerClient,
    ref: ProviderRef,
    settings: Record<string, unknown>,
    credentials: Readonly<Record<string, string>>,
  ): Promise<RemoteStorage> {
    const storage = new RemoteStorage(broker, ref.plugin, {
      provider: ref.provider,
      settings,
      credentials: { ...credentials },
    });
    await storage.#connection();
    if (!storage.#canPresign) Object.defineProperty(storage, 'presignGet', { value: undefined });
    if (!storage.#canAbort) Object.defineProperty(storage, 'abortUploads', { value: undefined });
    return storage;
  }

  async put(key: string, body: Readable | Uint8Array | string, options: PutOptions = {}): Promise<void> {
    const { contentType, cacheControl, inParts, signal } = options;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const isStream = bytes instanceof Readable;
    const contentLength = isStream ? options.contentLength : bytes.byteLength;
    const source = isStream ? bytes : Readable.from([bytes]);
    const params = { key, contentType, cacheControl, contentLength, inParts };
    await (await this.#connection()).call('put', params, { signal, body: source });
  }

  async get(key: string, { range, signal }: GetOptions = {}) {
    const { value, body } = await (await this.#connection()).call('get', { key, range }, { signal });
    return { body: body as Readable, size: value.size ?? undefined, contentType: value.contentType ?? undefined };
  }

  async head(key: string, { signal }: CallOptions = {}): Promise<ObjectInfo | null> {
    return (await (await this.#connection()).call('head', { key }, { signal })).value;
  }

  list(options: ListOptions): AsyncIterable<ObjectInfo[]> {
    return limitedPages(this.#pages(options), options.prefix);
  }

  async *#pages({ signal, ...options }: ListOptions): AsyncGenerator<{ objects: ObjectInfo[] }> {
    const connection = await this.#connection();
    const { iterator } = (await connection.call('list', options, { signal })).value;
    for (;;) {
      // the plugin ends by itself what is over, has failed or was given up
      const { value: page } = await connection.call('next', { iterator }, { signal });
      if (page === null) return;
      let wantsMore = false;
      try {
        yield { objects: page };
        wantsMore = true;
      } finally {
        if (!wantsMore && connection.isOpen) await connection.call('return', { iterator }).catch(() => undefined);
      }
    }
  }

  async deleteMany(
    keys: readonly string[],
    { signal, allVersions = false }: DeleteOptions = {},
  ): Promise<DeleteResult> {
    const { value } = await (await this.#connection()).call('deleteMany', { keys, allVersions }, { signal });
    const asked = new Set(keys);
    const failed = value.failed.filter((failure) => asked.has(failure.key));
    const confirmed = Math.min(value.deleted, asked.size - failed.length);
    // what it neither confirms nor refuses is not gone
    if (confirmed + failed.length < asked.size) {
      const named = new Set(failed.map((failure) => failure.key));
      const rest = [...asked].filter((key) => !named.has(key));
      const { code, message } = new StorageError('NOT_CONFIRMED');
      return { deleted: 0, failed: [...failed, ...rest.map((key) => ({ key, code, message }))] };
    }
    const { bulkRefusal } = value;
    return {
      deleted: confirmed,
      failed,
      versionsKept: Math.min(value.versionsKept, confirmed),
      ...(bulkRefusal === undefined ? {} : { bulkRefusal }),
    };
  }

  async abortUploads(prefix: string, { signal }: CallOptions = {}): Promise<number> {
    return (await (await this.#connection()).call('abortUploads', { prefix }, { signal })).value;
  }

  async presignGet(key: string, { expiresIn, downloadName, signal }: PresignOptions): Promise<string> {
    return (await (await this.#connection()).call('presignGet', { key, expiresIn, downloadName }, { signal })).value;
  }

  dispose(): void {
    this.#isDisposed = true;
    void this.#open?.then((connection) => connection.close()).catch(() => {});
  }

  async #connection(): Promise<PluginConnection> {
    if (this.#isDisposed) throw new StorageError('ABORTED');
    const before = this.#open;
    const known = await before?.catch(() => undefined);
    if (known?.isOpen) return known;
    if (this.#open === before || this.#open === undefined) this.#open = this.#connect();
    return this.#open;
  }

  async #connect(): Promise<PluginConnection> {
    const connection = await connectPlugin(this.#broker, this.#plugin);
    try {
      const { canPresign, canAbort } = (await connection.call('open', this.#params)).value;
      this.#canPresign = canPresign;
      this.#canAbort = canAbort;
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }
}
