import type { InstallationWarning } from '#shared/schema/settings.ts';
import type { Log } from './log.ts';

/** The rest is dropped, because their text comes partly from outside. */
const MAX = 50;

/** Warnings about the installation that a person should act on. Each is logged once and shown to operators. */
export class InstallationWarnings {
  readonly #log: Log<'warn'>;
  readonly #all = new Map<string, InstallationWarning>();

  constructor(log: Log<'warn'>) {
    this.#log = log;
  }

  /** Adds a warning. A warning with the same code and subject is added once. */
  add(code: string, subject: string, message: string): void {
    const key = `${code} ${subject}`;
    if (this.#all.has(key) || this.#all.size >= MAX) return;
    this.#all.set(key, { code, subject, message });
    this.#log.warn({ code, subject }, message);
  }

  /** The warning no longer applies. */
  remove(code: string, subject: string): void {
    this.#all.delete(`${code} ${subject}`);
  }

  list(): InstallationWarning[] {
    return [...this.#all.values()];
  }
}
