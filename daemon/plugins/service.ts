import { readdir } from 'node:fs/promises';
import { ApiError } from '#shared/errors.ts';
import type { Preset } from '#shared/plugin-sdk/preset.ts';
import { type PluginProblem, pluginProblem, problemLine } from '#shared/plugin-sdk/problems.ts';
import type { PluginDetail, PluginView } from '#shared/schema/plugins.ts';
import { TASKS, type WorkerPool } from '../workers/pool.ts';
import type { PluginDescribeInput, PluginDescribeOutput } from '../workers/tasks/plugin-describe.ts';
import type { PluginRecord, PluginRoot, ProviderDescription, ProviderRef } from './records.ts';

export interface PluginServiceDeps {
  pool: WorkerPool;
  /** Built-ins first. */
  roots: readonly PluginRoot[];
  log: { warn(data: object, message: string): void };
}

/** A preset and the plugin that brought it. */
export interface PluginPreset {
  plugin: string;
  preset: Preset;
}

/** A provider's own words, and the plugin that brought it. */
export interface PluginProvider extends ProviderDescription {
  plugin: string;
  pluginVersion: string | null;
}

/**
 * The door through which all plugins come in, the built-in ones too. Their files are read and verified in a worker when
 * first asked for; the code of a provider runs in workers only.
 */
export class PluginService {
  readonly #deps: PluginServiceDeps;
  #records: Promise<readonly PluginRecord[]> | undefined;
  #knownProviders: readonly string[] = [];
  readonly #descriptions = new Map<string, Promise<ProviderDescription[]>>();

  constructor(deps: PluginServiceDeps) {
    this.#deps = deps;
  }

  /** Looks at installed plugins before configs that name their providers are checked; nothing to do where there are none. */
  async start(): Promise<void> {
    const installed = this.#deps.roots.filter((root) => root.origin === 'installed');
    const entries = await Promise.all(installed.map((root) => readdir(root.dir).catch(() => [])));
    if (!entries.some((names) => names.some((name) => !name.startsWith('.')))) return;
    await this.records().catch((err: unknown) => this.#deps.log.warn({ err }, 'the plugins could not be read'));
  }

  /** All plugins that were found, with their state. */
  records(): Promise<readonly PluginRecord[]> {
    this.#records ??= this.#read().catch((error: unknown) => {
      this.#records = undefined; // the next question tries again
      throw error;
    });
    return this.#records;
  }

  /** Looks at the folders again. What runs keeps the code it began with. */
  async reload(): Promise<readonly PluginRecord[]> {
    const records = await this.#read();
    this.#records = Promise.resolve(records);
    this.#descriptions.clear();
    return records;
  }

  /** In the order of plugins and of their manifests. */
  async presets(): Promise<PluginPreset[]> {
    const records = await this.records();
    return records.flatMap((record) => record.presets.map((preset) => ({ plugin: record.id, preset })));
  }

  /** Names that `s3.provider` may have. */
  async providerIds(): Promise<string[]> {
    const records = await this.records();
    return records
      .filter((record) => record.state !== 'failed')
      .flatMap((record) => record.providers.map((provider) => provider.id));
  }

  /** Where a worker finds a provider. @throws ApiError STORAGE_PROVIDER_UNKNOWN */
  async provider(id: string): Promise<ProviderRef> {
    const refs = await this.providerRefs();
    const ref = Object.hasOwn(refs, id) ? refs[id] : undefined;
    if (ref === undefined) {
      throw new ApiError('STORAGE_PROVIDER_UNKNOWN', { provider: id, known: Object.keys(refs).join(', ') });
    }
    return ref;
  }

  /** The same as far as the folders were looked at, for places that cannot wait. */
  knownProviderIds(): readonly string[] {
    return this.#knownProviders;
  }

  /** Where workers find all providers, by id. */
  async providerRefs(): Promise<Record<string, ProviderRef>> {
    const refs: Record<string, ProviderRef> = {};
    for (const { id: plugin, state, entry, providers } of await this.records()) {
      if (state === 'failed' || entry === null) continue;
      for (const { id, inAppFolder } of providers) refs[id] = { plugin, entry, provider: id, inAppFolder };
    }
    return refs;
  }

  /** What all working providers say about themselves. One that does not answer as its manifest says is left out, its plugin failed. */
  async providers(): Promise<PluginProvider[]> {
    const found: PluginProvider[] = [];
    for (const record of await this.records()) {
      for (const description of await this.#describe(record)) {
        found.push({ ...description, plugin: record.id, pluginVersion: record.version });
      }
    }
    return found;
  }

  /** All plugins for people. Providers are asked about themselves first, so that `state` tells what is true of their code. */
  async views(): Promise<PluginView[]> {
    await this.providers();
    return (await this.records()).map(toView);
  }

  /** @throws ApiError PLUGIN_NOT_FOUND */
  async view(id: string): Promise<PluginDetail> {
    await this.providers();
    const record = (await this.records()).find((plugin) => plugin.id === id);
    if (record === undefined) throw new ApiError('PLUGIN_NOT_FOUND', { id });
    return { ...toView(record), documentation: record.documentation };
  }

  async #read(): Promise<readonly PluginRecord[]> {
    const { pool, roots, log } = this.#deps;
    const records = await pool.run<readonly PluginRoot[], PluginRecord[]>(TASKS.pluginsRead, roots);
    for (const record of records) {
      if (record.state === 'failed')
        log.warn({ plugin: record.id, reason: record.reason }, 'a plugin could not be loaded');
      for (const warning of record.warnings) {
        log.warn({ plugin: record.id, warning: problemLine(warning) }, 'a plugin has a fault');
      }
    }
    this.#knownProviders = records
      .filter((record) => record.state !== 'failed')
      .flatMap((record) => record.providers.map((provider) => provider.id));
    return records;
  }

  #describe(record: PluginRecord): Promise<ProviderDescription[]> {
    if (record.state === 'failed' || record.entry === null || record.providers.length === 0) return Promise.resolve([]);
    let description = this.#descriptions.get(record.entry);
    if (description === undefined) {
      description = this.#ask(record, record.entry);
      this.#descriptions.set(record.entry, description);
    }
    return description;
  }

  async #ask(record: PluginRecord, entry: string): Promise<ProviderDescription[]> {
    const { pool, log } = this.#deps;
    const input: PluginDescribeInput = { entry, providers: record.providers.map((provider) => provider.id) };
    let problems: readonly PluginProblem[];
    try {
      const output = await pool.run<PluginDescribeInput, PluginDescribeOutput>(TASKS.pluginDescribe, input);
      if ('providers' in output) {
        record.state = 'loaded';
        return output.providers;
      }
      problems = output.problems;
    } catch (error) {
      if (!isPluginsFault(error)) {
        this.#descriptions.delete(entry); // the next question tries again
        throw error;
      }
      problems = [faultOf(error)];
    }
    record.state = 'failed';
    record.problems = [...problems];
    record.reason = problems.map(problemLine).join('; ');
    log.warn({ plugin: record.id, reason: record.reason }, 'a plugin could not be loaded');
    return [];
  }
}

/** A time or memory limit, or a worker that went away; not a full queue or the daemon's own stop. */
function isPluginsFault(error: unknown): boolean {
  if (error instanceof ApiError) return error.code === 'TASK_TIMEOUT' || error.code === 'TASK_FAILED';
  return (error as Error).name !== 'AbortError';
}

function faultOf(error: unknown): PluginProblem {
  if (!(error instanceof ApiError)) return pluginProblem('CODE_ENDED');
  return pluginProblem(error.code === 'TASK_TIMEOUT' ? 'CODE_TIMEOUT' : 'CODE_MEMORY', { detail: error.message });
}

const named = ({ id, title }: { id: string; title: string }) => ({ id, title });

function toView(record: PluginRecord): PluginView {
  const { id, version, title, description, origin, state, reason, problems, warnings } = record;
  return {
    id,
    version,
    title,
    description,
    origin,
    state,
    reason,
    problems,
    warnings: warnings.map(problemLine),
    presets: record.presets.map(named),
    storageProviders: record.providers.map(named),
  };
}
