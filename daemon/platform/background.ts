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
  readonly #failures = new Map<string, { tasks: Set<string>; code: string; since: number; error: unknown }>();
  /** The current failure of a task. */
  readonly #failing = new Map<string, string>();
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
    return [...this.#failures.values()].map(({ tasks, ...failure }) => ({
      ...failure,
      isStorage: isStorageCode(failure.code),
      tasks: [...tasks].sort(),
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
      running = this.#attempt(name, task, true).then((isDone) => {
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
    const timer = setTimeout(
      () => void this.#attempt(name, task, false),
      Math.min(Math.max(0, ms), MAX_TIMER_MS),
    ).unref();
    return () => clearTimeout(timer);
  }

  /** Runs the task in the next turn of the event loop. */
  soon(name: string, task: Task): void {
    setImmediate(() => void this.#attempt(name, task, false));
  }

  /** Starts the task now. The promise resolves when it is over, with whether it succeeded; it never rejects. */
  run(name: string, task: Task): Promise<boolean> {
    return this.#attempt(name, task, false);
  }

  /** Runs the task now, and again until it succeeds. @returns the function that gives up */
  untilDone(name: string, task: Task): () => void {
    let cancel = (): void => {};
    let isCancelled = false;
    const attempt = (wait: number): void => {
      void this.#attempt(name, task, true).then((isDone) => {
        if (isDone || isCancelled) return;
        cancel = this.after(name, wait, () => attempt(Math.min(wait * 2, MAX_BACKOFF_MS)));
      });
    };
    attempt(FIRST_RETRY_MS);
    return () => {
      isCancelled = true;
      cancel();
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
    const key = keyOf(name, error);
    const before = this.#failing.get(name);
    if (before === key) return;
    if (before !== undefined) this.#leave(name, before);
    this.#failing.set(name, key);
    const known = this.#failures.get(key);
    if (known !== undefined) {
      known.tasks.add(name);
      return;
    }
    const code = codeOf(error);
    this.#failures.set(key, { tasks: new Set([name]), code, since: this.#clock.now(), error });
    this.#log.warn({ task: name, code, err: error }, 'background work failed; retrying');
  }

  /** Notes that a failure which the caller reported is over. */
  succeeded(name: string): void {
    this.#succeeded(name);
  }

  async #attempt(name: string, task: Task, isTriedAgain: boolean): Promise<boolean> {
    this.#names.add(name);
    try {
      await withoutLogContext(task);
    } catch (error) {
      if (isTriedAgain) this.failed(name, error);
      else this.#complain(name, error);
      return false;
    }
    if (isTriedAgain) this.#succeeded(name);
    else this.#complained.delete(name);
    return true;
  }

  /** A failure of something that is not tried again by itself. */
  #complain(name: string, error: unknown): void {
    const code = codeOf(error);
    if (this.#complained.get(name) === code) return;
    this.#complained.set(name, code);
    this.#log.warn({ task: name, code, err: error }, 'background work failed');
  }

  #succeeded(name: string): void {
    const key = this.#failing.get(name);
    if (key === undefined) return;
    this.#failing.delete(name);
    const failure = this.#failures.get(key);
    // what fixed this task probably fixes the others
    for (const other of failure?.tasks ?? [])
      if (other !== name) for (const repeated of this.#repeated.get(other) ?? []) repeated.soon();
    this.#leave(name, key);
  }

  #leave(name: string, key: string): void {
    const failure = this.#failures.get(key);
    failure?.tasks.delete(name);
    if (failure === undefined || failure.tasks.size > 0) return;
    this.#failures.delete(key);
    this.#log.info({ task: name, code: failure.code }, 'background work has recovered');
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
