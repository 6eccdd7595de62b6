import { hideSecrets, isSecretName, mayHoldSecrets } from '#shared/secrets.ts';
import type { SecretRegistry } from './secret-registry.ts';

const GONE = '[redacted]';

/** Makes log lines safe to write. */
export class Scrubber {
  readonly #secrets: SecretRegistry;

  constructor(secrets: SecretRegistry) {
    this.#secrets = secrets;
  }

  /** A JSON line without secrets: still JSON, and the same line when there is nothing to hide. Never throws. */
  line(line: string): string {
    if (!mayHoldSecrets(line) && !this.#secrets.found(line)) return line;
    try {
      const clean = this.#value(JSON.parse(line), 0) as Record<string, unknown>;
      return `${JSON.stringify(clean)}\n`;
    } catch {
      return `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), msg: this.text(line) })}\n`;
    }
  }

  /** A plain text without secrets. */
  text(text: string): string {
    const clean = this.#secrets.redact(text);
    return mayHoldSecrets(clean) ? hideSecrets(clean, GONE) : clean;
  }

  #value(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return this.#secrets.found(String(value)) ? GONE : value;
    if (value === null || typeof value !== 'object') return value;
    if (depth > 12) return '[too deep]';
    if (Array.isArray(value)) return value.map((item) => this.#value(item, depth + 1));
    const clean: Record<string, unknown> = {};
    const entries = Object.entries(value);
    // `{ name: "Authorization", value: "…" }`
    const named = entries.some(([key, item]) => /^(?:name|key|header)$/i.test(key) && isSecretName(String(item)));
    for (const [key, item] of entries) {
      const isSecret = isSecretName(key) || (named && /^values?$/i.test(key));
      clean[this.text(key)] = isSecret && holdsText(key, item) ? GONE : this.#value(item, depth + 1);
    }
    return clean;
  }
}

/** A flag, a count such as `tokens: 3` or an absent value tells nothing. */
const holdsText = (key: string, item: unknown): boolean =>
  item !== null && item !== '' && typeof item !== 'boolean' && !(typeof item === 'number' && /[^s]s$/i.test(key));
