import type { Clock } from '#daemon/platform/clock.ts';

/** A clock that is still until a test moves it. */
export class ManualClock implements Clock {
  #wall: number;
  #monotonic = 0;

  constructor(wall = Date.parse('2026-01-01T00:00:00.000Z')) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Lets time pass. */
  advance(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
  }

  /** Sets the wall clock only, as an administrator or NTP does. */
  jump(ms: number): void {
    this.#wall += ms;
  }
}
