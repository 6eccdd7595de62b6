import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { GpuStatus } from '#shared/schema/gpu.ts';

/** Where a GPU is, a new probe is started at most this often, however many callers ask: its driver has work with each. */
const THROTTLE_MS = 5000;

export interface GpuServiceOptions {
  /** Runs one probe, in the worker pool. */
  probe(): Promise<GpuStatus>;
  /** Resolves after so many milliseconds. */
  wait(ms: number): Promise<unknown>;
  /** Monotonic milliseconds. */
  clock?: Clock;
}

/** Knows what GPU the machine has: probed once in the background, then whenever someone asks for it again. */
export class GpuService {
  readonly #probe: () => Promise<GpuStatus>;
  readonly #wait: (ms: number) => Promise<unknown>;
  readonly #clock: Clock;
  #known: GpuStatus | undefined;
  #running: Promise<GpuStatus> | undefined;
  #next: Promise<GpuStatus> | undefined;
  #finishedAt = Number.NEGATIVE_INFINITY;

  constructor({ probe, wait, clock = SYSTEM_CLOCK }: GpuServiceOptions) {
    this.#probe = probe;
    this.#wait = wait;
    this.#clock = clock;
  }

  /** Begins the first probe and does not wait for it. */
  start(): void {
    this.#run();
  }

  /** The last finding, or undefined while the first probe has not ended. */
  peek(): GpuStatus | undefined {
    return this.#known;
  }

  /** The last finding; waits for the first probe. */
  async status(): Promise<GpuStatus> {
    return this.#known ?? this.#run();
  }

  /** Probes again; callers at the same time share one probe. Within 5 s of one that found a GPU, it waits until they are over. */
  async refresh(): Promise<GpuStatus> {
    if (this.#running) return this.#running;
    const left = this.#finishedAt + THROTTLE_MS - this.#clock.monotonic();
    if (left <= 0 || this.#known === undefined || this.#known.type === 'none') return this.#run();
    this.#next ??= this.#wait(left).then(() => {
      this.#next = undefined;
      return this.#run();
    });
    return this.#next;
  }

  #run(): Promise<GpuStatus> {
    this.#running ??= this.#probe()
      .catch(
        (): GpuStatus => ({
          available: false,
          type: 'none',
          devices: [],
          checkedAt: new Date().toISOString(),
          detail: 'The GPU probe did not finish, so it is unknown whether there is a GPU.',
        }),
      )
      .then((status) => {
        this.#known = status;
        this.#finishedAt = this.#clock.monotonic();
        this.#running = undefined;
        return status;
      });
    return this.#running;
  }
}
