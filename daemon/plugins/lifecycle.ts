import { type PluginProblem, problemLine } from '#shared/plugin-sdk/problems.ts';
import type { PluginState } from '#shared/schema/plugins.ts';
import type { PluginRecord, ProviderDescription } from './records.ts';
import type { PluginRow } from './repository.ts';

/** Crashes within `CRASH_WINDOW_MS` after which a plugin is quarantined. */
export const CRASHES_ALLOWED = 3;
const CRASH_WINDOW_MS = 10 * 60_000;
/** Wait before the next start, after the first crash, the second, … */
const BACKOFF_MS = [1000, 2000, 4000];

/** Something that went wrong, in words. */
export interface PluginFault {
  at: string;
  reason: string;
}

/** What a plugin's processes do at this moment. */
export interface Activity {
  isRunning: boolean;
  isStopping: boolean;
}

/** State of one plugin from discovery on: whether it may run, what happened to it, and since when. */
export class PluginLifecycle {
  readonly record: PluginRecord;
  isEnabled: boolean;
  quarantine: PluginFault | null;
  /** What its providers say about themselves, once asked. */
  descriptions: Promise<ProviderDescription[]> | undefined;
  lastFault: PluginFault | null = null;
  /** Since it was last given another try. */
  crashes = 0;
  /** How often it was given another try. */
  tries = 0;
  #isLoaded = false;
  #loadProblems: readonly PluginProblem[] = [];
  #crashTimes: number[] = [];
  #shown: { state: PluginState; reason: string | null; since: string };

  constructor(record: PluginRecord, row: PluginRow | undefined) {
    this.record = record;
    this.isEnabled = row?.enabled !== 0;
    const { quarantined_at: at = null, quarantine_reason: reason = null } = row ?? {};
    this.quarantine = at === null ? null : { at, reason: reason ?? 'it crashed repeatedly' };
    this.#shown = { state: 'discovered', reason: null, since: new Date().toISOString() };
  }

  /** What is kept of it, as of now. */
  toRow(): PluginRow {
    const { record, isEnabled, quarantine } = this;
    return {
      id: record.id,
      enabled: isEnabled ? 1 : 0,
      quarantined_at: quarantine?.at ?? null,
      quarantine_reason: quarantine?.reason ?? null,
      changed_at: new Date().toISOString(),
    };
  }

  get shown(): Readonly<{ state: PluginState; reason: string | null; since: string }> {
    return this.#shown;
  }

  /** Its code answered as its manifest says, at least once. */
  get hasLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Finds out the state; true when it is another one than before. */
  update(activity: Activity, isSafeMode: boolean): boolean {
    const [state, reason] = this.#validate(activity, isSafeMode);
    if (state === this.#shown.state && reason === this.#shown.reason) return false;
    const kept = state === 'quarantined' ? this.quarantine?.at : this.#wait() > 0 ? this.lastFault?.at : undefined;
    const isSame = state === this.#shown.state;
    this.#shown = { state, reason, since: kept ?? (isSame ? this.#shown.since : new Date().toISOString()) };
    return true;
  }

  /** Why its code must not run now, or undefined when it may. */
  refusal(isSafeMode: boolean): string | undefined {
    const { record } = this;
    if (record.state === 'failed') return `cannot be loaded: ${record.reason}`;
    if (isSafeMode && record.origin !== 'built-in') return 'is off, because StreamHub was started with --safe';
    if (!this.isEnabled) return 'is disabled';
    if (this.quarantine !== null) return `is quarantined: ${this.quarantine.reason}`;
    if (this.#loadProblems.length > 0) return `cannot be loaded: ${lineOf(this.#loadProblems)}`;
    return undefined;
  }

  /** Why it has to wait before its next start, or undefined. */
  pause(): string | undefined {
    const wait = this.#wait();
    return wait > 0
      ? `ended unexpectedly (${this.lastFault?.reason}); it can start again in ${Math.ceil(wait / 1000)} s`
      : undefined;
  }

  loaded(): void {
    this.#isLoaded = true;
    this.#loadProblems = [];
  }

  /** Its code does not load, or not as its manifest says. */
  failedToLoad(problems: readonly PluginProblem[]): void {
    this.#isLoaded = false;
    this.#loadProblems = problems;
    this.noteFault(lineOf(problems));
  }

  /** What keeps it from loading, piece by piece. */
  get problems(): readonly PluginProblem[] {
    return this.record.state === 'failed' ? this.record.problems : this.#loadProblems;
  }

  /** Notes a crash; true when it is one too many. */
  crashed(reason: string): boolean {
    const now = performance.now();
    this.crashes += 1;
    this.noteFault(reason);
    this.#crashTimes = [...this.#crashTimes.filter((at) => now - at < CRASH_WINDOW_MS), now];
    if (this.#crashTimes.length < CRASHES_ALLOWED) return false;
    const at = new Date().toISOString();
    this.quarantine = { at, reason: `it crashed ${this.#crashTimes.length} times; the last time, ${reason}` };
    return true;
  }

  noteFault(reason: string): void {
    this.lastFault = { at: new Date().toISOString(), reason };
  }

  /** Forgets all faults: it gets another try. */
  forgetCrashes(): void {
    this.tries += 1;
    this.quarantine = null;
    this.lastFault = null;
    this.crashes = 0;
    this.#crashTimes = [];
    this.#loadProblems = [];
    this.#isLoaded = false;
    this.descriptions = undefined;
  }

  #validate({ isRunning, isStopping }: Activity, isSafeMode: boolean): [PluginState, string | null] {
    const { record } = this;
    if (record.state === 'failed') return ['failed', record.reason];
    if (isSafeMode && record.origin !== 'built-in')
      return ['disabled', 'StreamHub was started with --safe, without third-party plugins'];
    if (!this.isEnabled)
      return isStopping || isRunning ? ['stopping', 'it finishes its running work first'] : ['disabled', null];
    if (this.quarantine !== null) return ['quarantined', this.quarantine.reason];
    if (this.#loadProblems.length > 0) return ['failed', lineOf(this.#loadProblems)];
    if (this.#wait() > 0) return ['failed', `${this.lastFault?.reason}; it starts again when it is needed`];
    if (isRunning) return ['running', null];
    return [this.#isLoaded ? 'loaded' : 'verified', null];
  }

  #wait(): number {
    const last = this.#crashTimes.at(-1);
    if (last === undefined) return 0;
    const pause = BACKOFF_MS[Math.min(this.#crashTimes.length, BACKOFF_MS.length) - 1] ?? 0;
    return Math.max(0, last + pause - performance.now());
  }
}

const lineOf = (problems: readonly PluginProblem[]): string => problems.map(problemLine).join('; ');
