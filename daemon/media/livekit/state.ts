import type { Background } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { LiveKitError } from './errors.ts';

export type LiveKitStatus = 'unconfigured' | 'unknown' | 'reachable' | 'unreachable';

export interface LiveKitState {
  status: LiveKitStatus;
  /** Milliseconds since 1970. */
  since: number;
  /** Why it is unreachable. */
  reason: string | null;
}

const FIRST_MS = 250;
const STEADY_MS = 10_000;
const BACKOFF_MS = [1000, 2000, 4000, 8000, 15_000, 30_000] as const;

export interface ReachabilityDeps {
  /** Address, key and secret are set; asked again at each reset. */
  readonly isConfigured: boolean;
  /** One cheap request; throws LiveKitError. */
  probe(): Promise<void>;
  onChange(state: LiveKitState): void;
  background: Background;
  clock: Clock;
}

/** Knows whether LiveKit responds: from every request that is made anyway, and from a separate one now and then. */
export class Reachability {
  readonly #deps: ReachabilityDeps;
  readonly #listeners = new Set<() => void>();
  #state: LiveKitState;
  #failures = 0;
  #cancel: (() => void) | undefined;
  #isRunning = false;

  constructor(deps: ReachabilityDeps) {
    this.#deps = deps;
    this.#state = { status: deps.isConfigured ? 'unknown' : 'unconfigured', since: deps.clock.now(), reason: null };
  }

  get state(): LiveKitState {
    return this.#state;
  }

  /** Called when LiveKit responds for the first time, or again after an outage. @returns unsubscribes */
  onReachable(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    this.#isRunning = true;
    if (this.#state.status !== 'unconfigured') this.#schedule(FIRST_MS);
  }

  stop(): void {
    this.#isRunning = false;
    this.#cancel?.();
  }

  /** Another LiveKit is meant from now on, or none. */
  reset(): void {
    this.#cancel?.();
    this.#failures = 0;
    this.#become(this.#deps.isConfigured ? 'unknown' : 'unconfigured', null);
    if (this.#isRunning && this.#deps.isConfigured) this.#schedule(0);
  }

  /** A request was answered. */
  succeeded(): void {
    this.#failures = 0;
    if (this.#state.status === 'reachable') return;
    this.#become('reachable', null);
    for (const listener of this.#listeners) listener();
  }

  /** A request failed. */
  failed(error: LiveKitError): void {
    if (!error.isOutage) {
      this.succeeded();
      return;
    }
    if (this.#state.status !== 'unreachable' || this.#state.reason !== error.message) {
      this.#become('unreachable', error.message);
      // another request showed it: look again soon
      if (this.#isRunning && this.#failures === 0) this.#schedule(BACKOFF_MS[0]);
    }
  }

  #become(status: LiveKitStatus, reason: string | null): void {
    const since = this.#state.status === status ? this.#state.since : this.#deps.clock.now();
    const isNew = this.#state.status !== status;
    this.#state = { status, since, reason };
    if (isNew) this.#deps.onChange(this.#state);
  }

  #schedule(ms: number): void {
    this.#cancel?.();
    const jitter = 0.9 + Math.random() * 0.2;
    this.#cancel = this.#deps.background.after('LiveKit probe', ms * jitter, () => this.#probe());
  }

  async #probe(): Promise<void> {
    try {
      await this.#deps.probe();
    } catch {
      this.#failures += 1;
    }
    if (!this.#isRunning || this.#state.status === 'unconfigured') return;
    const wait = this.#failures === 0 ? STEADY_MS : BACKOFF_MS[Math.min(this.#failures, BACKOFF_MS.length) - 1];
    this.#schedule(wait ?? STEADY_MS);
  }
}
