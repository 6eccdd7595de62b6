import type { InstallationWarning } from '#shared/schema/settings.ts';
import type { Log } from './log.ts';

/** More are not kept: what they say comes partly from outside. */
const MAX = 50;

/** What the daemon noticed about its installation that a person should change. Each is logged once and shown to operators. */
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

  /** It no longer holds. */
  remove(code: string, subject: string): void {
    this.#all.delete(`${code} ${subject}`);
  }

  list(): InstallationWarning[] {
    return [...this.#all.values()];
  }
}
