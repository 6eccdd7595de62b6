import os from 'node:os';
import type { Piscina } from 'piscina';
import { ApiError } from '#shared/errors.ts';
import { FairTurns } from '../fair-turns.ts';
import { PROXY_VARIABLES } from '../net/proxy.ts';
import { taskName, traced } from '../tracing.ts';

/** One kind of work for the pool, with a separate queue. Each area declares its kinds beside their modules, in `tasks.ts`. */
export interface TaskKind {
  /** The module, from `taskModule()`; its default export is `async (input) => output`. */
  module: string;
  /** For messages: what the task does, e.g. `Validating the configuration`. */
  what: string;
  /** Milliseconds after which its thread is ended, longer on a busy machine (`patientLimit`); 0 = no limit (only for resumable work). */
  timeoutMs: number;
  /** How many run at the same time, so that one kind never holds all threads. */
  concurrency: number;
  /** Takes hours: it has a thread besides those that all kinds share. */
  isLong?: boolean;
  /** How many may wait; one more is refused with OVERLOADED. */
  queue: number;
  /** How many of them run for one team, so that its slow storage leaves the others room; all of `concurrency` unless given. */
  perTeam?: number;
  /** It waits for a storage. All kinds of a lane share some threads, and not all of them are for one team. */
  waitsFor?: keyof typeof LANES;
}

/**
 * The address of a task's module.
 * @param base `import.meta.url` of the file that declares the task
 * @param file beside it, e.g. `tasks/purge`; in the bundle all tasks are below `out/daemon/tasks`
 */
export function taskModule(base: string, file: string): string {
  return new URL(`./${file}${base.endsWith('.ts') ? '.ts' : '.js'}`, base).href;
}

/** Threads of work that waits for storages. What a running stream or recording waits for doesn't wait behind the rest. */
const LANES = { storage: { threads: 3, perTeam: 2 }, live: { threads: 3, perTeam: 2 } } as const;
/** Both lanes and two purges leave two for what must be quick. */
const MAX_THREADS = 10;
/** For tasks that hold one for hours; jobs limit how many run. */
const LONG_THREADS = 24;
const HEAP_MB = 192;

/** Threads for the tasks of pools. They start when first needed and leave after a while without work. */
export async function taskThreads(maxThreads = MAX_THREADS + LONG_THREADS): Promise<Piscina> {
  const { Piscina } = await import('piscina');
  return new Piscina({
    minThreads: 0,
    maxThreads,
    idleTimeout: 30_000,
    concurrentTasksPerWorker: 1,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 8, stackSizeMb: 4 },
    // workers see no secret of the daemon's environment
    env: workerEnvironment(),
    filename: taskModule(import.meta.url, import.meta.url.endsWith('.ts') ? 'idle' : 'tasks/idle'),
  });
}

/** The piscina pool, with limits for each kind and turns for the teams. */
export class WorkerPool {
  readonly #lent: (() => Promise<Piscina>) | undefined;
  #starting: Promise<Piscina> | undefined;
  #piscina: Piscina | undefined;
  readonly #turns = new FairTurns();
  readonly #names = new Map<TaskKind, string>();
  readonly #teamOf: (app: string) => string;
  readonly #closing = new AbortController();

  /**
   * @param teamOf whose turn the work for an app is
   * @param lent threads whose owner ends them: of several daemons in one process each can use the same
   */
  constructor(teamOf: (app: string) => string = (app) => app, lent?: () => Promise<Piscina>) {
    this.#teamOf = teamOf;
    this.#lent = lent;
  }

  /** Loaded with the first task, because a daemon at rest needs no thread. */
  async #pool(): Promise<Piscina> {
    this.#piscina = await (this.#starting ??= this.#lent?.() ?? taskThreads());
    this.#closing.signal.throwIfAborted();
    return this.#piscina;
  }

  /** Threads alive now, for metrics. */
  get threads(): number {
    return this.#piscina?.threads.length ?? 0;
  }

  /**
   * Runs one task in a thread.
   * @throws ApiError TASK_TIMEOUT, TASK_FAILED (heap), OVERLOADED; AbortError when `signal` or the shutdown ends it
   */
  async run<I, O>(
    kind: TaskKind,
    input: I,
    options: { app?: string; signal?: AbortSignal; transfer?: Transferable[] } = {},
  ): Promise<O> {
    const name = this.#nameOf(kind);
    const team = options.app === undefined ? '' : this.#teamOf(options.app);
    const { waitsFor, concurrency, perTeam = concurrency } = kind;
    const ofTeam = `${name} of ${team}`;
    const bounds: Record<string, number> = {
      ...(kind.isLong ? {} : { threads: MAX_THREADS }),
      [name]: concurrency,
      [ofTeam]: perTeam,
      ...(waitsFor === undefined
        ? {}
        : { [waitsFor]: LANES[waitsFor].threads, [`${waitsFor} of ${team}`]: LANES[waitsFor].perTeam }),
    };
    // a team fills half of a queue at most
    const isFull =
      this.#turns.waiting(name) >= kind.queue ||
      (team !== '' && this.#turns.waiting(ofTeam) >= Math.ceil(kind.queue / 2));
    if (isFull && !this.#turns.hasRoom(bounds)) throw new ApiError('OVERLOADED');
    const queuedAt = performance.now();
    const attributes = { 'streamhub.app': options.app };
    return traced(`task ${taskName(kind.module)}`, attributes, (note) =>
      this.#turns.run(
        team,
        bounds,
        () => {
          note({ 'streamhub.queue_ms': performance.now() - queuedAt });
          return this.#runNow<I, O>(kind, input, options);
        },
        options.signal,
      ),
    );
  }

  #nameOf(kind: TaskKind): string {
    let name = this.#names.get(kind);
    if (name === undefined) this.#names.set(kind, (name = `kind ${this.#names.size}`));
    return name;
  }

  async #runNow<I, O>(
    kind: TaskKind,
    input: I,
    options: { signal?: AbortSignal; transfer?: Transferable[] },
  ): Promise<O> {
    const limitMs = patientLimit(kind.timeoutMs, os.loadavg()[0] ?? 0, os.availableParallelism());
    let limit: AbortSignal | undefined;
    try {
      if (limitMs > 0) limit = AbortSignal.timeout(limitMs);
      const signals = [this.#closing.signal, limit, options.signal].filter((signal) => signal !== undefined);
      const pool = await this.#pool();
      return (await pool.run(input, {
        filename: kind.module,
        signal: AbortSignal.any(signals),
        ...(options.transfer ? { transferList: options.transfer as never } : {}),
      })) as O;
    } catch (error) {
      if (limit?.aborted) throw new ApiError('TASK_TIMEOUT', { what: kind.what, seconds: Math.round(limitMs / 1000) });
      if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY')
        throw new ApiError('TASK_FAILED', { what: kind.what });
      throw error;
    }
  }

  /** Ends running tasks, which reject with AbortError, and all threads that aren't lent. */
  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#lent === undefined) await (await this.#starting)?.destroy();
  }
}

/**
 * How long a task may take on this machine as it is now: its limit times the load per core of the last minute, at least
 * once and at most six times (once on Windows, which reports no load), so that a valid config isn't rejected just because
 * the machine is busy.
 * @returns whole milliseconds, as timers require
 */
export function patientLimit(timeoutMs: number, load: number, cores: number): number {
  return Math.round(timeoutMs * Math.min(6, Math.max(1, load / cores)));
}

/** Of the daemon's environment; a thread needs the proxy's credentials to use the proxy. */
const KEPT_VARIABLES = [
  ...['PATH', 'HOME', 'TZ', 'LANG', 'NODE_COMPILE_CACHE', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  ...PROXY_VARIABLES,
  // where the AWS SDK finds the machine's role, for apps that use it; no access key is among them
  ...['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE', 'AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'],
  ...['AWS_ROLE_ARN', 'AWS_ROLE_SESSION_NAME', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ENDPOINT_URL_STS'],
  ...['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI'],
  ...['AWS_CONTAINER_AUTHORIZATION_TOKEN', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'],
  ...['AWS_EC2_METADATA_SERVICE_ENDPOINT', 'AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE', 'AWS_EC2_METADATA_DISABLED'],
];

/** The environment of a thread. */
export function workerEnvironment(): Record<string, string> {
  const env: Record<string, string> = {
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    NODE_USE_SYSTEM_CA: '1',
    // piscina tries require() first, and a thread that ends while require() links a module aborts the whole process
    // (an assertion in Node's ModuleWrap::CreateRequiredModuleFacade); import() ends quietly
    NODE_OPTIONS: '--no-require-module',
  };
  for (const name of KEPT_VARIABLES) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}
