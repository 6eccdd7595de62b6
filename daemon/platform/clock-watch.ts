import type { Background, Repeated } from './background.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import type { Log } from './log.ts';

const LOOK_MS = 10_000;
/** A step of the wall clock against the monotonic one that counts as a jump. */
const JUMP_MS = 60_000;
/** How long after a jump forward the new time is believed: until then nothing is deleted for its age by it. */
const CONFIRM_MS = 24 * 3_600_000;
/** A daemon that was off for longer than this may have started with a wrong clock. */
const OFF_MS = 7 * 86_400_000;

export interface ClockWatchDeps {
  background: Background;
  log: Log<'warn'>;
  /** When a daemon last ran on this data, milliseconds since 1970. */
  lastRun: number | undefined;
  /** Notes that it runs now. */
  noteRun(at: number): void;
  clock?: Clock;
}

/**
 * Watches the wall clock against the monotonic one. A clock that jumps to 2036 must not delete everything for its age, so
 * what deletes asks `retentionNow`, which follows a jump forward only after a day, and a jump back immediately.
 */
export class ClockWatch {
  readonly #deps: ClockWatchDeps;
  readonly #clock: Clock;
  readonly #listeners = new Set<(ms: number) => unknown>();
  /** Wall minus monotonic time as believed, and as last seen. */
  #believed: number;
  #seen: number;
  /** Monotonic time of the jump that is not believed yet. */
  #doubtedSince: number | undefined;
  #timer: Repeated | undefined;

  constructor(deps: ClockWatchDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
    this.#seen = this.#offset();
    this.#believed = this.#seen;
    const { lastRun } = deps;
    if (lastRun === undefined || this.#clock.now() - lastRun <= OFF_MS) return;
    this.#believed = lastRun - this.#clock.monotonic();
    this.#doubtedSince = this.#clock.monotonic();
  }

  /** The wall clock as far as it is believed, for deleting what is old. */
  readonly retentionNow = (): number => {
    this.look();
    return this.#clock.monotonic() + this.#believed;
  };

  /**
   * The clock for services that store when something ends. Before it shows the time after a jump, every listener of `onJump` has
   * moved what it stored, so that no caller sees a deadline of the old time beside the new one.
   */
  readonly clock: Clock = {
    now: () => {
      this.look();
      return Math.round(this.#clock.monotonic() + this.#seen);
    },
    monotonic: () => this.#clock.monotonic(),
  };

  /** @param listener told by how many milliseconds the wall clock jumped @returns unsubscribes */
  onJump(listener: (ms: number) => unknown): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#doubtedSince !== undefined)
      this.#deps.log.warn({}, 'the clock is far ahead of the last run; nothing expires for a day');
    const note = (): void => this.#deps.noteRun(this.retentionNow());
    // a daemon that runs for a moment only is remembered, too
    this.#deps.background.run('clock', note);
    this.#timer = this.#deps.background.every('clock', LOOK_MS, note);
  }

  async stop(): Promise<void> {
    await this.#timer?.stop();
  }

  /** Compares the clocks. */
  look(): void {
    const offset = this.#offset();
    const step = offset - this.#seen;
    this.#seen = offset;
    if (this.#doubtedSince !== undefined) {
      const isOver = this.#clock.monotonic() - this.#doubtedSince >= CONFIRM_MS;
      if (isOver || offset <= this.#believed + JUMP_MS) this.#doubtedSince = undefined;
    } else if (step > JUMP_MS) this.#doubtedSince = this.#clock.monotonic();
    if (this.#doubtedSince === undefined) this.#believed = offset;
    if (Math.abs(step) <= JUMP_MS) return;
    this.#deps.log.warn({ seconds: Math.round(step / 1000) }, 'the clock of this machine jumped');
    for (const listener of this.#listeners) this.#deps.background.run('clock jump', () => listener(step));
  }

  #offset(): number {
    return this.#clock.now() - this.#clock.monotonic();
  }
}
