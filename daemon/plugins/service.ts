import { readdir } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { MessagePort } from 'node:worker_threads';
import { Mutex } from 'async-mutex';
import pLimit from 'p-limit';
import type { Background } from '#daemon/platform/background.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { ApiError } from '#shared/errors.ts';
import { problemLine } from '#shared/plugin-sdk/problems.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type { CredentialField } from '#shared/plugin-sdk/storage-provider.ts';
import type { PluginView } from '#shared/schema/plugins.ts';
import { askPlugin } from './ask-plugin.ts';
import {
  describedProviders,
  type PluginPreset,
  type PluginProvider,
  presetsOf,
  providerIdsOf,
  providerRefsOf,
  usableProviders,
} from './contributions.ts';
import { finishReplacementsIn } from './install/places.ts';
import { PluginLifecycle } from './lifecycle.ts';
import { logFault } from './load-fault.ts';
import { canMakeNamespaces } from './namespace.ts';
import { runWithBroker } from './plugin-broker.ts';
import { type Lease, PluginProcesses, type ProcessLease } from './processes.ts';
import type { PluginRecord, PluginRoot, ProviderDescription, ProviderRef } from './records.ts';
import type { PluginRepository } from './repository.ts';
import { PLUGINS_READ } from './tasks.ts';
import { toView } from './view.ts';
import type { Fault } from './wire/connection.ts';

/** Limits of plugins' code, as configured. */
export interface PluginLimits {
  memoryMb: number;
  loadSeconds: number;
  callSeconds: number;
  idleSeconds: number;
  /** `auto`: namespaces where this machine has them. */
  sandbox: 'auto' | 'off';
}

export interface PluginServiceDeps {
  pool: WorkerPool;
  /** Built-ins first. */
  roots: readonly PluginRoot[];
  repository: PluginRepository;
  events: EventBus;
  background: Background;
  policy: EndpointPolicy;
  limits: PluginLimits;
  /** Started with `--safe`: no third-party plugin takes part. */
  isSafeMode: boolean;
  log: Log;
}

/** Time that work under way has when its plugin is disabled. */
const STOP_MS = 30_000;
/** How long a response waits for a plugin that has not been asked about itself yet. */
const DESCRIBE_WAIT_MS = 1500;
/** Longest limit of calls that need no network, and of liveness checks; no longer than that of other calls. */
const PURE_MS = 5000;
const pureMs = ({ callSeconds }: PluginLimits): number => Math.min(PURE_MS, callSeconds * 1000);
/** Plugins that are asked about themselves immediately. */
const ASKED_AT_ONCE = 2;

/**
 * Loads and runs all plugins, including the built-in ones. A worker reads and verifies their files. Built-in code runs in
 * worker threads, all other code in separate processes. Every failure becomes a state of the plugin with a reason.
 */
export class PluginService {
  readonly #deps: PluginServiceDeps;
  readonly #processes: PluginProcesses;
  #lifecycles: Promise<Map<string, PluginLifecycle>> | undefined;
  /** The same once read, for what cannot wait. */
  #known: Map<string, PluginLifecycle> = new Map();
  /** One change after the other. */
  readonly #changing = new Mutex();

  constructor(deps: PluginServiceDeps) {
    this.#deps = deps;
    const { limits, policy, log } = deps;
    this.#processes = new PluginProcesses({
      background: deps.background,
      limits: {
        memoryMb: limits.memoryMb,
        loadMs: limits.loadSeconds * 1000,
        answerMs: pureMs(limits),
        idleMs: limits.idleSeconds * 1000,
        stopMs: STOP_MS,
      },
      policy,
      canMakeNamespaces: async () => {
        const can = limits.sandbox === 'auto' && (await canMakeNamespaces());
        log.info(
          { namespaces: can },
          can
            ? 'plugin processes run in Linux namespaces'
            : 'plugin processes are isolated only by Node.js permissions',
        );
        return can;
      },
      onLine: (plugin, app, line) => log.info({ plugin, ...(app === null ? {} : { app }) }, `plugin output: ${line}`),
      onCrash: (plugin, reason) => this.#crashed(plugin, reason),
      onChange: (plugin) => this.#update(this.#known.get(plugin)),
    });
  }

  /** Looks at installed plugins before configs that name their providers are checked; nothing to do where there are none. */
  async start(): Promise<void> {
    const { roots, isSafeMode, log } = this.#deps;
    const installed = roots.filter((root) => root.origin === 'installed');
    await finishReplacementsIn(roots, log);
    const entries = await Promise.all(installed.map((root) => readdir(root.dir).catch(() => [])));
    if (isSafeMode) log.warn({}, 'started with --safe: only built-in plugins run');
    if (!entries.some((names) => names.some((name) => !name.startsWith('.')))) return;
    await this.#all().catch((err: unknown) => log.warn({ err }, 'the plugins could not be read'));
  }

  /** Ends all processes of plugins. */
  async stop(): Promise<void> {
    await this.#processes.close();
  }

  get isSafeMode(): boolean {
    return this.#deps.isSafeMode;
  }

  /** Looks at the folders again; anything that failed gets another try. What runs keeps the code it began with. */
  reload(actor?: Actor): Promise<void> {
    return this.#changing.runExclusive(() => this.#reload(actor));
  }

  async #reload(actor?: Actor): Promise<void> {
    const lifecycles = await this.#read();
    for (const lifecycle of lifecycles.values()) {
      if (lifecycle.quarantine === null) continue;
      lifecycle.forgetCrashes();
      this.#deps.repository.save(lifecycle.toRow());
    }
    // the new code counts from here on
    for (const id of new Set([...this.#known.keys(), ...lifecycles.keys()])) this.#processes.retire(id);
    this.#lifecycles = Promise.resolve(lifecycles);
    this.#known = lifecycles;
    for (const lifecycle of lifecycles.values()) this.#update(lifecycle, false);
    this.#deps.events.publish({
      type: 'plugin.reloaded',
      ...(actor ? { actor } : {}),
      data: { plugins: lifecycles.size },
    });
  }

  /**
   * Changes the files of one plugin, between two other changes, then reads the folders again. All other plugins stay as
   * they are. Running work keeps the code it began with.
   * @param isRemoved what is stored of it is forgotten too
   */
  change(id: string, work: () => Promise<void>, { isRemoved = false } = {}): Promise<void> {
    return this.#changing.runExclusive(async () => {
      const before = await this.#all();
      await work();
      if (isRemoved) this.#deps.repository.forget(id);
      const lifecycles = await this.#read();
      for (const [key, { record }] of lifecycles) {
        const known = before.get(key);
        // one that failed because of this plugin may be right now
        if (key !== id && known !== undefined && isDeepStrictEqual(known.record, record)) lifecycles.set(key, known);
      }
      this.#processes.retire(id, isRemoved ? STOP_MS : undefined);
      this.#lifecycles = Promise.resolve(lifecycles);
      this.#known = lifecycles;
      const changed = lifecycles.get(id);
      if (changed?.quarantine != null) {
        changed.forgetCrashes();
        this.#deps.repository.save(changed.toRow());
      }
      this.#update(changed, false);
    });
  }

  /** Lets a plugin take part, from now on and after restarts. @throws ApiError PLUGIN_NOT_FOUND, PLUGIN_SAFE_MODE */
  async enable(id: string, actor: Actor): Promise<PluginView> {
    await this.#changing.runExclusive(() => this.#enable(id, actor));
    return this.view(id);
  }

  async #enable(id: string, actor: Actor): Promise<void> {
    const lifecycle = await this.#require(id);
    if (this.#deps.isSafeMode && lifecycle.record.origin !== 'built-in') throw new ApiError('PLUGIN_SAFE_MODE', { id });
    lifecycle.isEnabled = true;
    lifecycle.forgetCrashes();
    this.#processes.retire(id);
    this.#deps.repository.save(lifecycle.toRow());
    this.#update(lifecycle);
    this.#deps.events.publish({ type: 'plugin.enabled', actor, data: { id } });
  }

  /** Switches a plugin off, from now on and after restarts. @throws ApiError PLUGIN_NOT_FOUND */
  async disable(id: string, actor: Actor): Promise<PluginView> {
    await this.#changing.runExclusive(() => this.#disable(id, actor));
    return this.view(id);
  }

  async #disable(id: string, actor: Actor): Promise<void> {
    const lifecycle = await this.#require(id);
    lifecycle.isEnabled = false;
    this.#processes.retire(id, STOP_MS);
    this.#deps.repository.save(lifecycle.toRow());
    this.#update(lifecycle);
    this.#deps.events.publish({ type: 'plugin.disabled', actor, data: { id } });
  }

  /** All plugins as their files describe them, with what is wrong with their code as far as it was asked. */
  async records(): Promise<PluginRecord[]> {
    return [...(await this.#all()).values()].map(({ record, problems, shown }) => {
      const isFailed = problems.length > 0;
      return { ...record, ...(isFailed ? { state: 'failed', reason: shown.reason } : {}), problems: [...problems] };
    });
  }

  /** In the order of plugins and of their manifests. */
  async presets(): Promise<PluginPreset[]> {
    return presetsOf((await this.#all()).values(), this.#deps.isSafeMode);
  }

  /** Names that `s3.provider` may be given now. */
  async providerIds(): Promise<string[]> {
    return usableProviders((await this.#all()).values(), this.#deps.isSafeMode);
  }

  /** Where a worker finds a provider. @throws ApiError STORAGE_PROVIDER_UNKNOWN, STORAGE_PROVIDER_UNAVAILABLE */
  async provider(id: string): Promise<ProviderRef> {
    const refs = await this.providerRefs();
    const ref = Object.hasOwn(refs, id) ? refs[id] : undefined;
    if (ref === undefined) {
      throw new ApiError('STORAGE_PROVIDER_UNKNOWN', { provider: id, known: (await this.providerIds()).join(', ') });
    }
    const reason = this.#known.get(ref.plugin)?.refusal(this.#deps.isSafeMode);
    if (reason !== undefined) {
      throw new ApiError('STORAGE_PROVIDER_UNAVAILABLE', { provider: id, plugin: ref.plugin, reason });
    }
    return ref;
  }

  /**
   * Names that a config may hold, as far as the folders were looked at: those of disabled and broken plugins too, so that
   * an app's config stays valid in the meantime. For places that cannot wait.
   */
  knownProviderIds(): readonly string[] {
    return providerIdsOf(this.#known.values());
  }

  /** Where workers find all providers, by id. Whether one may be used now is told when it is opened. */
  async providerRefs(): Promise<Record<string, ProviderRef>> {
    return providerRefsOf((await this.#all()).values());
  }

  /** The credentials that a provider declares; undefined while its plugin can't say, or needs long for it. */
  async credentialsOf(id: string): Promise<readonly CredentialField[] | undefined> {
    for (const lifecycle of (await this.#all()).values()) {
      if (!lifecycle.record.providers.some((provider) => provider.id === id)) continue;
      const described = this.#describe(lifecycle).catch((): ProviderDescription[] => []);
      const descriptions = await Promise.race([
        described,
        wait<ProviderDescription[]>(DESCRIBE_WAIT_MS, [], { ref: false }),
      ]);
      return descriptions.find((provider) => provider.id === id)?.credentials;
    }
    return undefined;
  }

  /** All working providers. One that does not answer as its manifest says is left out, its plugin failed. */
  async providers(): Promise<PluginProvider[]> {
    const lifecycles = [...(await this.#all()).values()];
    await pLimit(ASKED_AT_ONCE).map(lifecycles, (lifecycle) => this.#describe(lifecycle));
    const found: PluginProvider[] = [];
    for (const lifecycle of lifecycles)
      found.push(...describedProviders(lifecycle.record, await this.#describe(lifecycle)));
    return found;
  }

  /** Plugins that can't be used, as far as that is known without asking them. */
  troubles(): { id: string; title: string; state: 'failed' | 'quarantined'; reason: string | null }[] {
    return [...this.#known.values()].flatMap(({ record: { id, title }, shown: { state, reason } }) =>
      state === 'failed' || state === 'quarantined' ? [{ id, title, state, reason }] : [],
    );
  }

  /** All plugins for people. Providers are asked about themselves first, so that `state` tells what is true of their code. */
  async views(): Promise<PluginView[]> {
    await this.providers();
    return [...(await this.#all()).values()].map((lifecycle) => this.#view(lifecycle));
  }

  /** @throws ApiError PLUGIN_NOT_FOUND */
  async view(id: string): Promise<PluginView & { documentation: string | null }> {
    const lifecycle = await this.#require(id);
    await this.#describe(lifecycle);
    return { ...this.#view(lifecycle), documentation: lifecycle.record.documentation };
  }

  /**
   * Runs a task that may use plugins for one app, or for none (null). The plugins stay running until the task ends.
   * @param run receives the port to transfer to the worker
   */
  withBroker<T>(app: string | null, run: (port: MessagePort) => Promise<T>): Promise<T> {
    return this.#runWithBroker(app, run, (plugin) => this.#lease(plugin, app));
  }

  #runWithBroker<T>(
    app: string | null,
    run: (port: MessagePort) => Promise<T>,
    lease: (plugin: string) => Promise<Lease>,
  ): Promise<T> {
    const { limits, log } = this.#deps;
    const onFault = (plugin: string, fault: Fault): void => {
      const lifecycle = this.#known.get(plugin);
      lifecycle?.noteFault(fault.reason);
      logFault(log, { plugin, ...(app === null ? {} : { app }) }, fault, lifecycle?.record.folder ?? '');
      this.#update(lifecycle);
    };
    const callLimits = { pureMs: pureMs(limits), networkMs: limits.callSeconds * 1000 };
    return runWithBroker({ limits: callLimits, lease, onFault }, run);
  }

  async #lease(plugin: string, app: string | null): Promise<Lease> {
    const lifecycle = (await this.#all()).get(plugin);
    const refused = lifecycle === undefined ? 'is no longer installed' : lifecycle.refusal(this.#deps.isSafeMode);
    if (lifecycle === undefined || refused !== undefined)
      throw new StorageError('PLUGIN_OFF', { detail: `${plugin} ${refused}.` });
    const pause = lifecycle.pause();
    if (pause !== undefined) throw new StorageError('PLUGIN_FAILED', { detail: `${plugin} ${pause}.` });
    try {
      return await this.#processes.lease(lifecycle.record, app);
    } catch (error) {
      const reason = (error as Error).message;
      // what was loaded before and no longer loads counts like a crash: it may be a matter of the moment
      if (lifecycle.hasLoaded) this.#crashed(plugin, reason);
      throw new StorageError('PLUGIN_FAILED', { detail: `${plugin} does not load: ${reason}.` });
    }
  }

  #crashed(plugin: string, reason: string): void {
    const lifecycle = this.#known.get(plugin);
    const fields = { plugin, reason, code: 'PLUGIN_FAILED' };
    this.#deps.log.error(fields, `The plugin ${plugin} ended unexpectedly: ${reason}`);
    if (lifecycle?.crashed(reason)) {
      this.#processes.retire(plugin);
      this.#deps.repository.save(lifecycle.toRow());
      this.#deps.log.warn({ plugin, reason: lifecycle.quarantine?.reason }, 'a plugin is quarantined');
    }
    this.#update(lifecycle);
  }

  #all(): Promise<Map<string, PluginLifecycle>> {
    this.#lifecycles ??= this.#read().then(
      (lifecycles) => {
        this.#known = lifecycles;
        for (const lifecycle of lifecycles.values()) this.#update(lifecycle, false);
        return lifecycles;
      },
      (error: unknown) => {
        this.#lifecycles = undefined; // the next question tries again
        throw error;
      },
    );
    return this.#lifecycles;
  }

  async #read(): Promise<Map<string, PluginLifecycle>> {
    const { pool, roots, repository, log } = this.#deps;
    await finishReplacementsIn(roots, log);
    const records = await pool.run<readonly PluginRoot[], PluginRecord[]>(PLUGINS_READ, roots);
    const rows = new Map(repository.all().map((row) => [row.id, row]));
    const lifecycles = new Map<string, PluginLifecycle>();
    for (const record of records) {
      if (record.state === 'failed')
        log.warn({ plugin: record.id, reason: record.reason }, 'a plugin could not be loaded');
      for (const warning of record.warnings)
        log.warn({ plugin: record.id, warning: problemLine(warning) }, 'a plugin has a problem');
      // of two with one id, the later one failed for it and is shown beside the first
      const key = lifecycles.has(record.id) ? `${record.id} (${lifecycles.size})` : record.id;
      lifecycles.set(key, new PluginLifecycle(record, rows.get(record.id)));
    }
    return lifecycles;
  }

  async #require(id: string): Promise<PluginLifecycle> {
    const lifecycle = (await this.#all()).get(id);
    if (lifecycle === undefined) throw new ApiError('PLUGIN_NOT_FOUND', { id });
    return lifecycle;
  }

  #describe(lifecycle: PluginLifecycle): Promise<ProviderDescription[]> {
    const { record } = lifecycle;
    const isOff = lifecycle.descriptions === undefined && lifecycle.refusal(this.#deps.isSafeMode) !== undefined;
    if (isOff || record.entry === null || record.providers.length === 0) return Promise.resolve([]);
    lifecycle.descriptions ??= this.#ask(lifecycle);
    return lifecycle.refusal(this.#deps.isSafeMode) === undefined ? lifecycle.descriptions : Promise.resolve([]);
  }

  async #ask(lifecycle: PluginLifecycle): Promise<ProviderDescription[]> {
    const { record, tries } = lifecycle;
    const lease = (): Promise<ProcessLease> => this.#processes.lease(record, null);
    // crashes of its work for apps are another matter
    const withBroker = <T>(run: (port: MessagePort) => Promise<T>): Promise<T> => this.#runWithBroker(null, run, lease);
    const output = await askPlugin({ pool: this.#deps.pool, lease, withBroker }, record).catch((error: unknown) => {
      if (lifecycle.tries === tries) lifecycle.descriptions = undefined; // the next question tries again
      throw error;
    });
    // it was given another try in the meantime, which ended this one
    if (lifecycle.tries !== tries) return this.#describe(lifecycle);
    if ('providers' in output) {
      lifecycle.loaded();
      this.#update(lifecycle);
      return output.providers;
    }
    lifecycle.failedToLoad(output.problems);
    this.#processes.retire(record.id);
    this.#deps.log.warn({ plugin: record.id, reason: lifecycle.lastFault?.reason }, 'a plugin could not be loaded');
    this.#update(lifecycle);
    return [];
  }

  /** Brings a plugin's state up to date and announces a new one. */
  #update(lifecycle: PluginLifecycle | undefined, isAnnounced = true): void {
    if (lifecycle === undefined) return;
    const { id } = lifecycle.record;
    if (!lifecycle.update(this.#processes.activity(id), this.#deps.isSafeMode) || !isAnnounced) return;
    const { state, reason } = lifecycle.shown;
    const isPassing = state === 'running' || state === 'loaded' || state === 'verified';
    this.#deps.events.publish({ type: 'plugin.state', data: { id, state, reason }, live: isPassing });
  }

  #view(lifecycle: PluginLifecycle): PluginView {
    this.#update(lifecycle);
    const { limits } = this.#deps;
    return toView(lifecycle, this.#processes.views(lifecycle.record.id), limits, this.#processes.isNamespaced);
  }
}
