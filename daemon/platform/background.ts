import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import type { Log } from './log.ts';
import { withoutLogContext } from './log-context.ts';

/** A rare task that fails is tried again sooner: until it succeeds, the daemon may not be ready. */
const RETRY_MS = 10_000;
/** Longest wait between two tries of a failing task, unless its interval is longer. */
const MAX_BACKOFF_MS = 60_000;
const FIRST_RETRY_MS = 1000;
/** Longest delay that a timer of Node takes. */
const MAX_TIMER_MS = 2_147_483_647;

type Task = () => unknown;

/** What fails or works: a task that is tried again, or the name of what callers note themselves. */
type Source = object | string;

/** Something that fails at the moment and is tried again. */
export interface BackgroundFailure {
  /** Names of the tasks that fail for this reason. */
  tasks: string[];
  /** Code of the error, else its name. */
  code: string;
  /** A disk or a database refuses. */
  isStorage: boolean;
  /** Milliseconds since 1970. */
  since: number;
  error: unknown;
}

export interface BackgroundDeps {
  log: Log<'info' | 'warn'>;
  clock?: Clock;
}

/** A task that runs again and again. */
export interface Repeated {
  /** Runs it now instead of at its next turn; a run under way is followed by another one. */
  soon(): void;
  /** Ends the repetition. Resolves once a run under way is over. */
  stop(): Promise<void>;
}

export interface RepeatOptions {
  /** Milliseconds before the first run; the interval unless given. */
  first?: number;
  /** Keeps the process alive while it waits. */
  isKeepingAlive?: boolean;
}

/**
 * Runs everything that no request waits for: timers, listeners, and work that isn't awaited. Nothing that it
 * runs can end the process. A failure is logged once for each reason, and its end too; a repeated task is tried again,
 * less and less often. A task must keep what it could not write.
 */
export class Background {
  readonly #log: Log<'info' | 'warn'>;
  readonly #clock: Clock;
  /** The sources of each failure have the name of their task, which several can share. */
  readonly #failures = new Map<string, { sources: Map<Source, string>; code: string; since: number; error: unknown }>();
  readonly #failing = new Map<Source, string>();
  readonly #repeated = new Map<string, Set<Repeated>>();
  readonly #names = new Set<string>();
  /** Failures of work that is not repeated, by task; kept so that one reason is logged once. */
  readonly #complained = new Map<string, string>();

  constructor({ log, clock = SYSTEM_CLOCK }: BackgroundDeps) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Names of all tasks that were ever registered; the tests run each of them. */
  get names(): readonly string[] {
    return [...this.#names].sort();
  }

  /** What fails now. */
  failures(): BackgroundFailure[] {
    return [...this.#failures.values()].map(({ sources, ...failure }) => ({
      ...failure,
      isStorage: isStorageCode(failure.code),
      tasks: [...new Set(sources.values())].sort(),
    }));
  }

  /** Runs the task every `ms` milliseconds, counted from the end of one run to the beginning of the next. */
  every(name: string, ms: number, task: Task, { first = ms, isKeepingAlive = false }: RepeatOptions = {}): Repeated {
    let timer: NodeJS.Timeout | undefined;
    let running: Promise<void> | undefined;
    let isStopped = false;
    let isAgain = false;
    let failures = 0;
    const schedule = (delay: number): void => {
      if (isStopped) return;
      timer = setTimeout(run, Math.min(delay, MAX_TIMER_MS));
      if (!isKeepingAlive) timer.unref();
    };
    const run = (): void => {
      clearTimeout(timer);
      isAgain = false;
      running = this.#attempt(name, task, repeated).then((isDone) => {
        running = undefined;
        failures = isDone ? 0 : failures + 1;
        const first = Math.min(ms, RETRY_MS);
        const wait = isDone ? ms : Math.min(first * 2 ** (failures - 1), Math.max(ms, MAX_BACKOFF_MS));
        schedule(isAgain ? 0 : wait);
      });
    };
    const repeated: Repeated = {
      soon: () => {
        if (isStopped) return;
        if (running === undefined) run();
        else isAgain = true;
      },
      stop: async () => {
        isStopped = true;
        clearTimeout(timer);
        const siblings = this.#repeated.get(name);
        siblings?.delete(repeated);
        if (siblings?.size === 0) this.#repeated.delete(name);
        await running;
        this.#leave(repeated);
      },
    };
    const siblings = this.#repeated.get(name);
    if (siblings === undefined) this.#repeated.set(name, new Set([repeated]));
    else siblings.add(repeated);
    schedule(first);
    return repeated;
  }

  /** Runs the task once, after `ms` milliseconds. @returns the function that cancels it */
  after(name: string, ms: number, task: Task): () => void {
    const timer = setTimeout(() => void this.#attempt(name, task), Math.min(Math.max(0, ms), MAX_TIMER_MS)).unref();
    return () => clearTimeout(timer);
  }

  /** Runs the task in the next turn of the event loop. */
  soon(name: string, task: Task): void {
    setImmediate(() => void this.#attempt(name, task));
  }

  /** Starts the task now. The promise resolves when it is over, with whether it succeeded; it never rejects. */
  run(name: string, task: Task): Promise<boolean> {
    return this.#attempt(name, task);
  }

  /** Runs the task now, and again until it succeeds. @returns the function that gives up */
  untilDone(name: string, task: Task): () => void {
    let cancel = (): void => {};
    let isCancelled = false;
    const source = {};
    const attempt = (wait: number): void => {
      void this.#attempt(name, task, source).then((isDone) => {
        if (isCancelled) this.#leave(source);
        if (isDone || isCancelled) return;
        cancel = this.after(name, wait, () => attempt(Math.min(wait * 2, MAX_BACKOFF_MS)));
      });
    };
    attempt(FIRST_RETRY_MS);
    return () => {
      isCancelled = true;
      cancel();
      this.#leave(source);
    };
  }

  /** Makes a listener that reports what it throws, or what its promise rejects with, instead of passing it on. */
  listener<Args extends unknown[]>(name: string, listen: (...args: Args) => unknown): (...args: Args) => void {
    this.#names.add(name);
    return (...args) => {
      try {
        const outcome = listen(...args);
        if (outcome instanceof Promise) {
          outcome.then(
            () => this.#complained.delete(name),
            (error) => this.#complain(name, error),
          );
        } else this.#complained.delete(name);
      } catch (error) {
        this.#complain(name, error);
      }
    };
  }

  /** Runs every repeated task now; for tests. */
  runAll(): void {
    for (const siblings of this.#repeated.values()) for (const repeated of siblings) repeated.soon();
  }

  /** Notes a failure that the caller handled. */
  failed(name: string, error: unknown): void {
    this.#failed(name, name, error);
  }

  /** Notes that a failure which the caller reported is over. */
  succeeded(name: string): void {
    this.#succeeded(name, name);
  }

  /** @param source of a task that is tried again */
  async #attempt(name: string, task: Task, source?: object): Promise<boolean> {
    this.#names.add(name);
    try {
      await withoutLogContext(task);
    } catch (error) {
      if (source === undefined) this.#complain(name, error);
      else this.#failed(source, name, error);
      return false;
    }
    if (source === undefined) this.#complained.delete(name);
    else for (const over of [source, name]) this.#succeeded(over, name);
    return true;
  }

  /** A failure of something that is not tried again by itself. */
  #complain(name: string, error: unknown): void {
    const code = codeOf(error);
    if (this.#complained.get(name) === code) return;
    this.#complained.set(name, code);
    this.#log.warn({ task: name, code, err: error }, 'background work failed');
  }

  #failed(source: Source, name: string, error: unknown): void {
    const key = keyOf(name, error);
    const before = this.#failing.get(source);
    if (before === key) return;
    if (before !== undefined) this.#recovered(source, name);
    this.#failing.set(source, key);
    const known = this.#failures.get(key);
    if (known !== undefined) {
      known.sources.set(source, name);
      return;
    }
    const code = codeOf(error);
    this.#failures.set(key, { sources: new Map([[source, name]]), code, since: this.#clock.now(), error });
    this.#log.warn({ task: name, code, err: error }, 'background work failed; retrying');
  }

  #succeeded(source: Source, name: string): void {
    const failure = this.#failures.get(this.#failing.get(source) ?? '');
    // what fixed this task probably fixes the others
    for (const [other, otherName] of failure?.sources ?? [])
      if (other !== source)
        for (const repeated of this.#repeated.get(otherName) ?? []) if (repeated !== source) repeated.soon();
    this.#recovered(source, name);
  }

  #recovered(source: Source, name: string): void {
    const code = this.#leave(source);
    if (code !== undefined) this.#log.info({ task: name, code }, 'background work has recovered');
  }

  /** Takes a source out of its failure, also one that ends without success. @returns the code, if nothing else has the failure */
  #leave(source: Source): string | undefined {
    const key = this.#failing.get(source) ?? '';
    const failure = this.#failures.get(key);
    this.#failing.delete(source);
    failure?.sources.delete(source);
    if (failure === undefined || failure.sources.size > 0) return undefined;
    this.#failures.delete(key);
    return failure.code;
  }
}

/** A disk or a database that refuses has one reason for all tasks. */
function keyOf(name: string, error: unknown): string {
  const code = codeOf(error);
  return isStorageCode(code) ? code : `${name} ${code}`;
}

/** Does the code come from a database or a file system? */
const isStorageCode = (code: string): boolean =>
  /^SQLITE_/.test(code) || /^(?:ENOSPC|EDQUOT|EROFS|EACCES|EPERM|EIO|EBUSY|ENOENT|EMFILE|ENFILE)$/.test(code);

function codeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'failed';
}
