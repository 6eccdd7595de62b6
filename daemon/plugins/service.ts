import { readdir } from 'node:fs/promises';
import type { MessagePort } from 'node:worker_threads';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import { KeyedLock } from '#daemon/platform/keyed-lock.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { ApiError } from '#shared/errors.ts';
import { problemLine } from '#shared/plugin-sdk/problems.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type { PluginDetail, PluginView } from '#shared/schema/plugins.ts';
import { askPlugin } from './ask-plugin.ts';
import type { PluginPreset, PluginProvider } from './contributions.ts';
import { keepDoor } from './door-keeper.ts';
import { PluginLife } from './life.ts';
import { canMakeNamespaces } from './namespace.ts';
import { type Lease, PluginProcesses } from './processes.ts';
import type { PluginRecord, PluginRoot, ProviderDescription, ProviderRef } from './records.ts';
import { finishReplacementsIn } from './replacement.ts';
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
  policy: EndpointPolicy;
  limits: PluginLimits;
  /** Started with `--safe`: no third-party plugin takes part. */
  isSafeMode: boolean;
  log: Log<'info' | 'warn'>;
}

/** Time that work under way has when its plugin is disabled. */
const STOP_MS = 30_000;
/** Longest limit of calls that need no network, and of signs of life; no longer than that of other calls. */
const PURE_MS = 5000;
const pureMs = ({ callSeconds }: PluginLimits): number => Math.min(PURE_MS, callSeconds * 1000);
/** Plugins that are asked about themselves at once. */
const ASKED_AT_ONCE = 2;

/**
 * The door through which all plugins come in, the built-in ones too. Their files are read and verified in a worker; the code
 * of built-in ones runs in workers, that of others in processes of their own. Whatever a plugin does ends as a state with its
 * reason.
 */
export class PluginService {
  readonly #deps: PluginServiceDeps;
  readonly #processes: PluginProcesses;
  #lives: Promise<Map<string, PluginLife>> | undefined;
  /** The same once read, for what cannot wait. */
  #known: Map<string, PluginLife> = new Map();
  /** One change after the other. */
  readonly #turn = new KeyedLock();

  constructor(deps: PluginServiceDeps) {
    this.#deps = deps;
    const { limits, policy, log } = deps;
    this.#processes = new PluginProcesses({
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
        log.info({ namespaces: can }, can ? 'plugins are put into namespaces' : 'plugins are kept by Node alone');
        return can;
      },
      onLine: (plugin, app, line) => log.info({ plugin, ...(app === null ? {} : { app }) }, `plugin says: ${line}`),
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
    if (isSafeMode) log.warn({}, 'started with --safe: plugins that are not built in stay off');
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

  /** Looks at the folders again; whatever failed gets another try. What runs keeps the code it began with. */
  reload(actor?: Actor): Promise<void> {
    return this.#turn.run('change', () => this.#reload(actor));
  }

  async #reload(actor?: Actor): Promise<void> {
    const lives = await this.#read();
    for (const life of lives.values()) {
      if (life.quarantine === null) continue;
      life.pardon();
      this.#save(life);
    }
    // the new code counts from here on
    for (const id of new Set([...this.#known.keys(), ...lives.keys()])) this.#processes.retire(id);
    this.#lives = Promise.resolve(lives);
    this.#known = lives;
    for (const life of lives.values()) this.#update(life, false);
    this.#deps.events.publish({
      type: 'plugin.reloaded',
      ...(actor ? { actor } : {}),
      data: { plugins: lives.size },
    });
  }

  /** Lets a plugin take part, from now on and after restarts. @throws ApiError PLUGIN_NOT_FOUND, PLUGIN_SAFE_MODE */
  async enable(id: string, actor: Actor): Promise<PluginView> {
    await this.#turn.run('change', () => this.#enable(id, actor));
    return this.view(id);
  }

  async #enable(id: string, actor: Actor): Promise<void> {
    const life = await this.#require(id);
    if (this.#deps.isSafeMode && life.record.origin !== 'built-in') throw new ApiError('PLUGIN_SAFE_MODE', { id });
    life.isEnabled = true;
    life.pardon();
    this.#processes.retire(id);
    this.#save(life);
    this.#update(life);
    this.#deps.events.publish({ type: 'plugin.enabled', actor, data: { id } });
  }

  /** Switches a plugin off, from now on and after restarts. @throws ApiError PLUGIN_NOT_FOUND */
  async disable(id: string, actor: Actor): Promise<PluginView> {
    await this.#turn.run('change', () => this.#disable(id, actor));
    return this.view(id);
  }

  async #disable(id: string, actor: Actor): Promise<void> {
    const life = await this.#require(id);
    life.isEnabled = false;
    this.#processes.retire(id, STOP_MS);
    this.#save(life);
    this.#update(life);
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
    const { isSafeMode } = this.#deps;
    const lives = [...(await this.#all()).values()];
    return lives
      .filter(({ record, isEnabled }) => isEnabled && !(isSafeMode && record.origin !== 'built-in'))
      .flatMap(({ record }) => record.presets.map((preset) => ({ plugin: record.id, preset })));
  }

  /** Names that `s3.provider` may be given now. */
  async providerIds(): Promise<string[]> {
    const { isSafeMode } = this.#deps;
    const lives = [...(await this.#all()).values()];
    return lives
      .filter((life) => life.refusal(isSafeMode) === undefined)
      .flatMap(({ record }) => record.providers.map((provider) => provider.id));
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
   * an app's config stays valid meanwhile. For places that cannot wait.
   */
  knownProviderIds(): readonly string[] {
    return [...this.#known.values()].flatMap(({ record }) => record.providers.map((provider) => provider.id));
  }

  /** Where workers find all providers, by id. Whether one may be used now is told when it is opened. */
  async providerRefs(): Promise<Record<string, ProviderRef>> {
    const refs: Record<string, ProviderRef> = {};
    for (const { record } of (await this.#all()).values()) {
      if (record.state === 'failed' || record.entry === null) continue;
      const { id: plugin, entry } = record;
      for (const { id, inAppFolder } of record.providers) refs[id] = { plugin, entry, provider: id, inAppFolder };
    }
    return refs;
  }

  /** What all working providers say about themselves. One that does not answer as its manifest says is left out, its plugin failed. */
  async providers(): Promise<PluginProvider[]> {
    const lives = [...(await this.#all()).values()];
    const queue = [...lives];
    const worker = async (): Promise<void> => {
      for (let life = queue.shift(); life !== undefined; life = queue.shift()) await this.#describe(life);
    };
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, worker));
    const found: PluginProvider[] = [];
    for (const life of lives) {
      const { id: plugin, version: pluginVersion, providers } = life.record;
      for (const description of await this.#describe(life)) {
        const inAppFolder = providers.some(({ id, inAppFolder }) => id === description.id && inAppFolder);
        found.push({ ...description, plugin, pluginVersion, inAppFolder });
      }
    }
    return found;
  }

  /** All plugins for people. Providers are asked about themselves first, so that `state` tells what is true of their code. */
  async views(): Promise<PluginView[]> {
    await this.providers();
    return [...(await this.#all()).values()].map((life) => this.#view(life));
  }

  /** @throws ApiError PLUGIN_NOT_FOUND */
  async view(id: string): Promise<PluginDetail> {
    const life = await this.#require(id);
    await this.#describe(life);
    return { ...this.#view(life), documentation: life.record.documentation };
  }

  /**
   * Runs a task that may use plugins for one app; null where it concerns none. They are held until the task ends.
   * @param run gets a port that is to be transferred to the worker
   */
  withDoor<T>(app: string | null, run: (port: MessagePort) => Promise<T>): Promise<T> {
    return this.#keepDoor(app, run, (plugin) => this.#lease(plugin, app));
  }

  #keepDoor<T>(
    app: string | null,
    run: (port: MessagePort) => Promise<T>,
    lease: (plugin: string) => Promise<Lease>,
  ): Promise<T> {
    const { limits, log } = this.#deps;
    const onFault = (plugin: string, { reason }: Fault): void => {
      const life = this.#known.get(plugin);
      life?.noteFault(reason);
      log.warn({ plugin, ...(app === null ? {} : { app }), reason }, 'a plugin does not behave');
      this.#update(life);
    };
    const callLimits = { pureMs: pureMs(limits), networkMs: limits.callSeconds * 1000 };
    return keepDoor({ limits: callLimits, lease, onFault }, run);
  }

  async #lease(plugin: string, app: string | null): Promise<Lease> {
    const life = (await this.#all()).get(plugin);
    const refused = life === undefined ? 'is no longer installed' : life.refusal(this.#deps.isSafeMode);
    if (life === undefined || refused !== undefined)
      throw new StorageError('PLUGIN_OFF', { detail: `${plugin} ${refused}.` });
    const pause = life.pause();
    if (pause !== undefined) throw new StorageError('PLUGIN_FAILED', { detail: `${plugin} ${pause}.` });
    try {
      return await this.#processes.lease(life.record, app);
    } catch (error) {
      const reason = (error as Error).message;
      // what was loaded before and no longer loads counts like a crash: it may be a matter of the moment
      if (life.hasLoaded) this.#crashed(plugin, reason);
      throw new StorageError('PLUGIN_FAILED', { detail: `${plugin} does not load: ${reason}.` });
    }
  }

  #crashed(plugin: string, reason: string): void {
    const life = this.#known.get(plugin);
    this.#deps.log.warn({ plugin, reason }, 'a plugin ended unexpectedly');
    if (life?.crashed(reason)) {
      this.#processes.retire(plugin);
      this.#save(life);
      this.#deps.log.warn({ plugin, reason: life.quarantine?.reason }, 'a plugin is quarantined');
    }
    this.#update(life);
  }

  #all(): Promise<Map<string, PluginLife>> {
    this.#lives ??= this.#read().then(
      (lives) => {
        this.#known = lives;
        for (const life of lives.values()) this.#update(life, false);
        return lives;
      },
      (error: unknown) => {
        this.#lives = undefined; // the next question tries again
        throw error;
      },
    );
    return this.#lives;
  }

  async #read(): Promise<Map<string, PluginLife>> {
    const { pool, roots, repository, log } = this.#deps;
    await finishReplacementsIn(roots, log);
    const records = await pool.run<readonly PluginRoot[], PluginRecord[]>(PLUGINS_READ, roots);
    const rows = new Map(repository.all().map((row) => [row.id, row]));
    const lives = new Map<string, PluginLife>();
    for (const record of records) {
      if (record.state === 'failed')
        log.warn({ plugin: record.id, reason: record.reason }, 'a plugin could not be loaded');
      for (const warning of record.warnings)
        log.warn({ plugin: record.id, warning: problemLine(warning) }, 'a plugin has a fault');
      // of two with one id, the later one failed for it and is shown beside the first
      const key = lives.has(record.id) ? `${record.id} (${lives.size})` : record.id;
      lives.set(key, new PluginLife(record, rows.get(record.id)));
    }
    return lives;
  }

  async #require(id: string): Promise<PluginLife> {
    const life = (await this.#all()).get(id);
    if (life === undefined) throw new ApiError('PLUGIN_NOT_FOUND', { id });
    return life;
  }

  #describe(life: PluginLife): Promise<ProviderDescription[]> {
    const { record } = life;
    const isOff = life.descriptions === undefined && life.refusal(this.#deps.isSafeMode) !== undefined;
    if (isOff || record.entry === null || record.providers.length === 0) return Promise.resolve([]);
    life.descriptions ??= this.#ask(life);
    return life.refusal(this.#deps.isSafeMode) === undefined ? life.descriptions : Promise.resolve([]);
  }

  async #ask(life: PluginLife): Promise<ProviderDescription[]> {
    const { record, tries } = life;
    const lease = (): Promise<Lease> => this.#processes.lease(record, null);
    // crashes of its work for apps are another matter
    const withDoor = <T>(run: (port: MessagePort) => Promise<T>): Promise<T> => this.#keepDoor(null, run, lease);
    const output = await askPlugin({ pool: this.#deps.pool, lease, withDoor }, record).catch((error: unknown) => {
      if (life.tries === tries) life.descriptions = undefined; // the next question tries again
      throw error;
    });
    // it was given another try meanwhile, which ended this one
    if (life.tries !== tries) return this.#describe(life);
    if ('providers' in output) {
      life.loaded();
      this.#update(life);
      return output.providers;
    }
    life.failedToLoad(output.problems);
    this.#processes.retire(record.id);
    this.#deps.log.warn({ plugin: record.id, reason: life.lastFault?.reason }, 'a plugin could not be loaded');
    this.#update(life);
    return [];
  }

  #save(life: PluginLife): void {
    const { record, isEnabled, quarantine } = life;
    this.#deps.repository.save({
      id: record.id,
      enabled: isEnabled ? 1 : 0,
      quarantined_at: quarantine?.at ?? null,
      quarantine_reason: quarantine?.reason ?? null,
      changed_at: new Date().toISOString(),
    });
  }

  /** Brings a plugin's state up to date and announces a new one. */
  #update(life: PluginLife | undefined, isAnnounced = true): void {
    if (life === undefined) return;
    const { id } = life.record;
    if (!life.update(this.#processes.activity(id), this.#deps.isSafeMode) || !isAnnounced) return;
    const { state, reason } = life.shown;
    const isPassing = state === 'running' || state === 'loaded' || state === 'verified';
    this.#deps.events.publish({ type: 'plugin.state', data: { id, state, reason }, live: isPassing });
  }

  #view(life: PluginLife): PluginView {
    this.#update(life);
    const { limits } = this.#deps;
    return toView(life, this.#processes.views(life.record.id), limits, this.#processes.isNamespaced);
  }
}
