import type { Background } from '#daemon/platform/background.ts';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import { PluginProcess, type PluginProcessOptions } from './process.ts';
import { ProxyRelay } from './proxy-relay.ts';
import type { PluginRecord } from './records.ts';

interface ProcessLimits {
  memoryMb: number;
  /** Milliseconds that loading may take. */
  loadMs: number;
  /** Milliseconds within which a process must answer a liveness check. */
  answerMs: number;
  /** Milliseconds without work after which a process is ended. */
  idleMs: number;
  /** Milliseconds that work under way has when a plugin is disabled. */
  stopMs: number;
}

export interface ProcessesDeps {
  background: Background;
  limits: ProcessLimits;
  policy: EndpointPolicy;
  /** Whether processes are put into namespaces as well; asked once. */
  canMakeNamespaces(): Promise<boolean>;
  onLine(plugin: string, app: string | null, line: string): void;
  /** A process ended that should not have: by itself, or because it broke a limit. */
  onCrash(plugin: string, reason: string): void;
  /** The state of the plugin's processes changed. */
  onChange(plugin: string): void;
}

/** A lease of one plugin for one piece of work. */
export interface Lease {
  /** Where a worker reaches the plugin's process; null = its code runs in the worker. */
  address: string | null;
  /** Gives it back. Safe to call twice. */
  release(): void;
  /** Ends the process for what it did; its other work fails too. */
  kill(reason: string): void;
  /** Asks the process whether it is alive. A process that answers gets no new work; one that doesn't is ended. */
  checkAlive(): void;
}

/** A lease that also tells what became of the process. */
export interface ProcessLease extends Lease {
  /** Why the process ended; undefined while it runs. Ends one that doesn't respond. */
  endReason(): Promise<string | undefined>;
}

/** A plugin's process as it may be shown. */
export interface ProcessView {
  /** App that it works for; null for forms and settings. */
  app: string | null;
  state: 'starting' | 'running' | 'stopping';
  since: string;
  memoryBytes: number;
}

interface Entry {
  plugin: string;
  app: string | null;
  /** Undefined for built-in plugins, whose code runs in workers. */
  process: PluginProcess | undefined;
  starting: Promise<PluginProcess> | undefined;
  leases: number;
  isRetired: boolean;
  since: Date;
  cancelDrop: (() => void) | undefined;
}

/** Idle processes kept at most, all plugins together. */
const MAX_IDLE = 4;

/**
 * The processes of installed plugins: one for each plugin and app, so that no process holds data of two apps.
 * Started when needed, ended after a while without work. Built-in plugins are counted here too, without a process.
 */
export class PluginProcesses {
  readonly #deps: ProcessesDeps;
  readonly #entries = new Set<Entry>();
  readonly #relay: ProxyRelay;
  #isClosed = false;
  #namespaces: Promise<boolean> | undefined;
  /** Known once the first process was started. */
  isNamespaced = false;

  constructor(deps: ProcessesDeps) {
    this.#deps = deps;
    this.#relay = new ProxyRelay(deps.policy, deps.background);
  }

  /** @throws Error with the reason when the plugin does not load */
  async lease(record: PluginRecord, app: string | null): Promise<ProcessLease> {
    if (this.#isClosed) throw new Error('the daemon is stopping');
    let entry = this.#find(record.id, app);
    if (entry === undefined) {
      entry = {
        plugin: record.id,
        app,
        process: undefined,
        starting: undefined,
        leases: 0,
        isRetired: false,
        since: new Date(),
        cancelDrop: undefined,
      };
      this.#entries.add(entry);
    }
    entry.leases += 1;
    entry.cancelDrop?.();
    const held = entry;
    if (record.origin !== 'built-in') {
      try {
        await this.#run(held, record);
      } catch (error) {
        this.#release(held);
        throw error;
      }
    }
    this.#deps.onChange(record.id);
    let isHeld = true;
    return {
      address: held.process?.address ?? null,
      release: () => {
        if (isHeld) this.#release(held);
        isHeld = false;
      },
      kill: (reason) => held.process?.kill(reason),
      endReason: async () => {
        const { process } = held;
        return process === undefined || (await this.#isAlive(process)) ? undefined : process.ended;
      },
      checkAlive: () => {
        this.#deps.background.run('plugin processes', () => this.#checkAlive(held));
      },
    };
  }

  /** New work gets a new process; running work continues for at most `withinMs`. */
  retire(plugin: string, withinMs?: number): void {
    for (const entry of this.#of(plugin)) {
      entry.isRetired = true;
      if (entry.leases === 0) this.#drop(entry);
      else if (withinMs !== undefined) {
        entry.cancelDrop?.();
        entry.cancelDrop = this.#dropAfter(entry, withinMs);
      }
    }
    this.#deps.onChange(plugin);
  }

  views(plugin: string): ProcessView[] {
    return this.#of(plugin)
      .filter((entry) => entry.process !== undefined)
      .map(({ app, process, isRetired, since }) => ({
        app,
        state: isRetired ? 'stopping' : process?.isReady ? 'running' : 'starting',
        since: since.toISOString(),
        memoryBytes: process?.memoryBytes ?? 0,
      }));
  }

  /** Whether work uses the plugin's present code, and whether work still uses replaced code. */
  activity(plugin: string): { isRunning: boolean; isStopping: boolean } {
    const entries = this.#of(plugin);
    return {
      isRunning: entries.some((entry) => !entry.isRetired),
      isStopping: entries.some((entry) => entry.isRetired && entry.leases > 0),
    };
  }

  /** Ends all at the same time. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const ends = [...this.#entries].map((entry) => entry.process?.ended);
    for (const entry of this.#entries) this.#drop(entry);
    await Promise.all(ends);
    this.#relay.stop();
  }

  #of(plugin: string): Entry[] {
    return [...this.#entries].filter((entry) => entry.plugin === plugin);
  }

  #find(plugin: string, app: string | null): Entry | undefined {
    return this.#of(plugin).find((entry) => entry.app === app && !entry.isRetired);
  }

  /** Starts the entry's process unless it runs; resolves once the plugin's code is loaded. */
  async #run(entry: Entry, record: PluginRecord): Promise<void> {
    entry.starting ??= this.#begin(entry, record);
    await (await entry.starting).ready;
  }

  async #begin(entry: Entry, record: PluginRecord): Promise<PluginProcess> {
    this.#namespaces ??= this.#deps.canMakeNamespaces();
    this.isNamespaced = await this.#namespaces;
    const relay = await this.#relay.start();
    if (!this.#entries.has(entry)) throw new Error('it was no longer needed');
    this.#makeRoom();
    entry.process = this.#start(entry, record, relay);
    return entry.process;
  }

  #start(entry: Entry, record: PluginRecord, relay: PluginProcessOptions['relay']): PluginProcess {
    const { limits, policy, onLine, onCrash, onChange } = this.#deps;
    const { memoryMb, loadMs } = limits;
    const { id: plugin, folder, readable } = record;
    const child = new PluginProcess({
      plugin,
      app: entry.app,
      entry: record.entry as string,
      folder,
      readable,
      policy,
      memoryMb,
      loadMs,
      relay,
      isNamespaced: this.isNamespaced,
      onLine: (line) => onLine(plugin, entry.app, line),
    });
    const ended = child.ended.then((reason) => {
      const isExpected = !this.#entries.delete(entry);
      entry.cancelDrop?.();
      // callers that wait for it learn that it never became ready
      if (!isExpected && child.isReady && !entry.isRetired) onCrash(plugin, reason);
      onChange(plugin);
    });
    this.#deps.background.run('plugin shutdown', () => ended);
    onChange(plugin);
    return child;
  }

  async #checkAlive(entry: Entry): Promise<void> {
    const { process } = entry;
    if (process === undefined || !this.#entries.has(entry)) return;
    entry.leases += 1;
    if (await this.#isAlive(process)) entry.isRetired = true;
    this.#release(entry);
  }

  /** Ends a process that doesn't answer a liveness check. */
  async #isAlive(process: PluginProcess): Promise<boolean> {
    const { answerMs } = this.#deps.limits;
    const does = await process.answers(answerMs);
    if (!does) process.kill(`it did not respond for ${answerMs / 1000} s`);
    return does;
  }

  #release(entry: Entry): void {
    entry.leases -= 1;
    if (entry.leases > 0 || !this.#entries.has(entry)) return;
    if (entry.isRetired) {
      this.#drop(entry);
      return;
    }
    entry.cancelDrop = this.#dropAfter(entry, this.#deps.limits.idleMs);
    // what it was asked may have left it in an endless loop
    const { process } = entry;
    if (process?.isReady) this.#deps.background.run('plugin processes', () => this.#isAlive(process));
  }

  #dropAfter(entry: Entry, ms: number): () => void {
    return this.#deps.background.after('idle plugin processes', ms, () => this.#drop(entry));
  }

  /** Ends an entry on purpose. */
  #drop(entry: Entry): void {
    if (!this.#entries.delete(entry)) return;
    entry.cancelDrop?.();
    entry.process?.kill('it was no longer needed');
    this.#deps.onChange(entry.plugin);
  }

  #makeRoom(): void {
    const idle = [...this.#entries].filter((entry) => entry.process !== undefined && entry.leases === 0);
    for (const entry of idle.slice(0, Math.max(0, idle.length - MAX_IDLE + 1))) this.#drop(entry);
  }
}
