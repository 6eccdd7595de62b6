import { createHash } from 'node:crypto';
import { cp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { Mutex } from 'async-mutex';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { MANIFEST_FILE } from '#shared/plugin-sdk/manifest.ts';
import { type PluginProblem, problemLine } from '#shared/plugin-sdk/problems.ts';
import type { PluginDetail } from '#shared/schema/plugins.ts';
import { parseJson } from '../json-text.ts';
import { MAX_PLUGIN_BYTES } from '../packed-files.ts';
import { claimsOf, idTaken } from '../read-plugins.ts';
import type { PluginRecord } from '../records.ts';
import type { PluginService } from '../service.ts';
import type { PluginUnpackInput, PluginUnpackOutput } from '../tasks/plugin-unpack.ts';
import { PLUGIN_UNPACK } from '../tasks.ts';
import { download } from './download.ts';
import { nameOf, newStage, PRESET_ENDING, previousOf, putPlugin, takePlugin } from './places.ts';
import type { TrialHost, TriedPlugin } from './trial.ts';

/** Where a plugin comes from: a file that is being sent, or an address. */
export type PluginSource = { file: Readable; sha256?: string | undefined } | { url: string; sha256: string };

export interface InstallerDeps extends TrialHost {
  plugins: PluginService;
  /** `<DATA_DIR>/plugins`. */
  dir: string;
  /** Names of the apps whose config names one of these storage providers, sorted. */
  appsWith(providers: readonly string[]): Promise<string[]>;
  events: EventBus;
}

/** Bytes that an uploaded or downloaded plugin may have: packing only makes it smaller. */
const MAX_PACKED_BYTES = MAX_PLUGIN_BYTES;

/**
 * Installs, updates and removes plugins in the folder of a running daemon. Each is prepared beside the others, checked as
 * the daemon will load it, and put in place with a rename: a kill leaves the old plugin or the new one.
 */
export class PluginInstaller {
  readonly #deps: InstallerDeps;
  /** One plugin is checked and put in place at a time. */
  readonly #turn = new Mutex();

  constructor(deps: InstallerDeps) {
    this.#deps = deps;
  }

  /** A plugin with the apps that use its storage, and the version that a rollback would bring back. */
  async view(id: string): Promise<PluginDetail> {
    const view = await this.#deps.plugins.view(id);
    const previous = view.origin === 'installed' ? await previousOf(this.#deps.dir, id) : undefined;
    return {
      ...view,
      usedBy: await this.#deps.appsWith(view.storageProviders.map((provider) => provider.id)),
      previous: previous === undefined ? null : { version: await versionOf(previous) },
    };
  }

  /** @throws ApiError PLUGIN_EXISTS, PLUGIN_INVALID, PLUGIN_CHECKSUM_DIFFERS, PLUGIN_DOWNLOAD_FAILED, BODY_TOO_LARGE */
  install(source: PluginSource, actor: Actor): Promise<PluginDetail> {
    return this.#withFile(source, async (stage, root) => {
      const names = await readdir(this.#deps.dir);
      const { record } = await this.#try(root, null, ({ id }, installed) => {
        const isThere = names.some((name) => name.replace(PRESET_ENDING, '') === id);
        if (isThere || installed.some((one) => one.id === id)) throw new ApiError('PLUGIN_EXISTS', { id });
      });
      return this.#put(stage, root, record, null, actor);
    });
  }

  /**
   * Replaces a plugin and keeps its version until now for a rollback.
   * @param force also if apps use a storage provider that the new version no longer has
   */
  async update(id: string, source: PluginSource, force: boolean, actor: Actor): Promise<PluginDetail> {
    await this.#installed(id);
    return this.#withFile(source, async (stage, root) => {
      const { record } = await this.#try(root, id, (found) => {
        if (found.id !== id) throw new ApiError('PLUGIN_ID_DIFFERS', { id, found: found.id });
      });
      return this.#replace(stage, root, record, force, actor);
    });
  }

  /** Brings the version before back; the present one becomes the version before. @throws ApiError PLUGIN_NO_PREVIOUS */
  async rollBack(id: string, force: boolean, actor: Actor): Promise<PluginDetail> {
    return this.#inTurn(async (stage) => {
      await this.#installed(id);
      const previous = await previousOf(this.#deps.dir, id);
      if (previous === undefined) throw new ApiError('PLUGIN_NO_PREVIOUS', { id });
      const root = path.join(stage, 'new');
      await cp(previous, path.join(root, path.basename(previous)), { recursive: true, verbatimSymlinks: true });
      const { record } = await this.#try(root, id);
      return this.#replace(stage, root, record, force, actor);
    });
  }

  /** Removes a plugin with its stored state. @param force also if apps use its storage */
  async remove(id: string, force: boolean, actor: Actor): Promise<void> {
    await this.#inTurn(async (stage) => {
      const { providers, name, version } = await this.#installed(id);
      await this.#refuseIfUsed(id, providers, force);
      await this.#deps.plugins.change(id, () => takePlugin(stage, { id, name }), { isRemoved: true });
      this.#deps.events.publish({ type: 'plugin.removed', actor, data: { id, version } });
    });
  }

  /** The plugin as it is installed. @throws ApiError PLUGIN_NOT_FOUND, PLUGIN_BUILT_IN, PLUGIN_FROM_NPM */
  async #installed(id: string): Promise<PluginRecord> {
    const record = (await this.#deps.plugins.records()).find((one) => one.id === id);
    if (record === undefined) throw new ApiError('PLUGIN_NOT_FOUND', { id });
    if (record.origin === 'built-in') throw new ApiError('PLUGIN_BUILT_IN', { id });
    if (record.origin === 'npm') throw new ApiError('PLUGIN_FROM_NPM', { id, package: record.name });
    return record;
  }

  async #refuseIfUsed(id: string, providers: readonly { id: string }[], force: boolean): Promise<void> {
    if (force) return;
    const apps = await this.#deps.appsWith(providers.map((provider) => provider.id));
    if (apps.length === 0) return;
    throw new ApiError('PLUGIN_IN_USE', { id, apps: apps.slice(0, 10).join(', ') }, { extra: { apps } });
  }

  async #replace(stage: string, root: string, record: PluginRecord, force: boolean, actor: Actor) {
    const old = await this.#installed(record.id);
    const kept = new Set(record.providers.map((provider) => provider.id));
    await this.#refuseIfUsed(
      record.id,
      old.providers.filter((provider) => !kept.has(provider.id)),
      force,
    );
    return this.#put(stage, root, record, old, actor);
  }

  async #put(stage: string, root: string, record: PluginRecord, old: PluginRecord | null, actor: Actor) {
    const { id, version } = record;
    const isFile = (await stat(path.join(root, record.name))).isFile();
    const name = nameOf(id, isFile ? record.name : null, old?.name ?? null);
    const prepared = path.join(root, record.name);
    await this.#deps.plugins.change(id, () => putPlugin(stage, { id, prepared, name, old: old?.name ?? null }));
    this.#deps.events.publish({
      type: 'plugin.installed',
      actor,
      data: { id, version, ...(old === null ? {} : { replaced: old.version }) },
    });
    return this.view(id);
  }

  /**
   * Checks an unpacked plugin beside those that are installed, then runs its code once.
   * @param instead the plugin that it will replace, whose ids it may have
   * @throws ApiError PLUGIN_INVALID
   */
  async #try(
    root: string,
    instead: string | null,
    check?: (record: PluginRecord, installed: readonly PluginRecord[]) => void,
  ): Promise<TriedPlugin> {
    const installed = await this.#deps.plugins.records();
    // loads what checks configs, which no start needs
    const { tryPlugin } = await import('./trial.ts');
    const tried = await tryPlugin(root, this.#deps, (record) => {
      check?.(record, installed);
      const others = installed.filter(({ id, state }) => state !== 'failed' && id !== instead);
      const owners = new Map(others.flatMap((one) => claimsOf(one).map((claim) => [claim, one.id])));
      refuseProblems(
        claimsOf(record).flatMap((claim) => (owners.has(claim) ? [idTaken(claim, owners.get(claim) ?? '')] : [])),
      );
    });
    if (tried === undefined) throw new ApiError('PLUGIN_INVALID', { reason: `it contains no ${MANIFEST_FILE}` });
    refuseProblems(tried.problems);
    return tried;
  }

  /** Takes a plugin's file in, compares its checksum, and unpacks it. */
  #withFile<T>(source: PluginSource, work: (stage: string, root: string) => Promise<T>): Promise<T> {
    return this.#withStage(async (stage) => {
      const file = path.join(stage, 'file');
      const found = await this.#take(source, file);
      const expected = source.sha256?.toLowerCase();
      if (expected !== undefined && expected !== found)
        throw new ApiError('PLUGIN_CHECKSUM_DIFFERS', { expected, found });
      const root = path.join(stage, 'new');
      const input: PluginUnpackInput = { file, folder: root };
      const output = await this.#deps.pool.run<PluginUnpackInput, PluginUnpackOutput>(PLUGIN_UNPACK, input);
      if ('problems' in output) refuseProblems(output.problems);
      return this.#turn.runExclusive(() => work(stage, root));
    });
  }

  #inTurn<T>(work: (stage: string) => Promise<T>): Promise<T> {
    return this.#turn.runExclusive(() => this.#withStage(work));
  }

  async #withStage<T>(work: (stage: string) => Promise<T>): Promise<T> {
    const stage = await newStage(this.#deps.dir);
    try {
      return await work(stage);
    } finally {
      await rm(stage, { recursive: true, force: true });
    }
  }

  /** Writes what comes to a file. @returns its SHA-256 */
  async #take(source: PluginSource, file: string): Promise<string> {
    const hash = createHash('sha256');
    const write = (body: Readable): Promise<void> =>
      writeBounded(body, file, (chunk) => {
        hash.update(chunk);
      });
    if ('file' in source) {
      const { file: body } = source;
      await write(body).catch((error: unknown) => {
        throw body.errored === null ? error : new ApiError('BAD_REQUEST', { reason: 'The body ended too early.' });
      });
    } else await download(source.url, this.#deps.policy, write);
    return hash.digest('hex');
  }
}

async function writeBounded(body: Readable, file: string, each: (chunk: Buffer) => void): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  let bytes = 0;
  try {
    // the connection stays open for the answer, also when the body is refused
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_PACKED_BYTES)
        throw new ApiError('BODY_TOO_LARGE', { limit: MAX_PACKED_BYTES }, { headers: { connection: 'close' } });
      each(chunk);
      await handle.writeFile(chunk);
    }
  } finally {
    await handle.close();
  }
  if (bytes === 0) throw fieldError('body', 'is an empty file');
}

function refuseProblems(problems: readonly PluginProblem[]): void {
  if (problems.length === 0) return;
  const details = problems.map((problem) => ({
    path: [problem.file, problem.key].filter(Boolean).join(': ') || 'plugin',
    message: `${problem.message}. ${problem.cure}`,
  }));
  throw new ApiError('PLUGIN_INVALID', { reason: problems.map(problemLine).join('; ') }, { details });
}

/** The version in a kept plugin's manifest; null for a preset file, which has none. */
async function versionOf(place: string): Promise<string | null> {
  try {
    const text = await readFile(path.join(place, MANIFEST_FILE), 'utf8');
    const { version } = parseJson(text, MANIFEST_FILE) as { version?: unknown };
    return typeof version === 'string' ? version : null;
  } catch {
    return null;
  }
}
