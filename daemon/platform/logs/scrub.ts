import type { SecretRegistry } from './secret-registry.ts';

const GONE = '[redacted]';

/** Keys whose value is never written, no matter what it is. Matched at the end of the key, in any case. */
const SECRET_KEY =
  /(?:passwords?|passwd|passphrase|\bpass|[a-z_-]pass|secrets?(?:[_-]?keys?)?|authorization|cookies?|credentials?|api[_-]?keys?|access[_-]?keys?|private[_-]?keys?|stream[_-]?key|tokens?|jwt|signature)$/i;
/** Keys that only look like one: facts about secrets, not the secrets. */
const HARMLESS_KEY = /^(?:bypass|compass|maxTokens|tokens)$/i;

/** What a value may hold without its key saying so. Each keeps enough to see what was there. */
const VALUES: readonly (readonly [RegExp, string])[] = [
  [/\bsk_[A-Za-z0-9_-]{8,}/g, `sk_${GONE}`],
  [/\bclt_[A-Za-z0-9_-]{8,}/g, `clt_${GONE}`],
  [/\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}/g, `jwt_${GONE}`],
  [/\b(Bearer|Basic|Digest|Token)\s+[A-Za-z0-9+/=._~-]{6,}/gi, `$1 ${GONE}`],
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/?#"'<>]*@/gi, `$1${GONE}@`],
  [
    /([?&;](?:x-amz-(?:signature|credential|security-token)|(?:access_|refresh_|id_|api_)?token|sig(?:nature)?|secret|password|passwd|pass|key|api_?key|code|jwt)=)[^&\s"'<>\\]+/gi,
    `$1${GONE}`,
  ],
  [/\b(X-Amz-(?:Signature|Credential|Security-Token)[=:]\s*)[^&\s,"'<>\\]+/gi, `$1${GONE}`],
  [/\b(AKIA|ASIA)[A-Z0-9]{12,}/g, `$1${GONE}`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, GONE],
  // JSON and key=value text inside a message
  [
    /(["']?\b(?:[\w-]*(?:password|passwd|passphrase|secret|authorization|cookie|api[_-]?key|access[_-]?key|private[_-]?key|token|jwt))["']?\s*[:=]\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&"'}\])]{3,})/gi,
    `$1${GONE}`,
  ],
];

/** Cheap first look at a whole line; most lines have none of it and are left as they are. */
const SUSPECT =
  /sk_|clt_|eyJ|bearer|basic |digest |:\/\/[^\s/?#"]*@|x-amz-|AKIA|ASIA|PRIVATE KEY|passw|passphrase|pass"|pass=|secret|authorization|cookie|credential|api[_-]?key|access[_-]?key|private[_-]?key|stream[_-]?key|token(?:["'=\s\\]|:(?!\d))|jwt|signature|[?&;](?:sig|key|code)=/i;

/** Makes log lines safe to write. */
export class Scrubber {
  readonly #secrets: SecretRegistry;

  constructor(secrets: SecretRegistry) {
    this.#secrets = secrets;
  }

  /** A JSON line without secrets: still JSON, and the same line when there is nothing to hide. Never throws. */
  line(line: string): string {
    if (!SUSPECT.test(line) && !this.#secrets.found(line)) return line;
    try {
      const clean = this.#value(JSON.parse(line), 0) as Record<string, unknown>;
      return `${JSON.stringify(clean)}\n`;
    } catch {
      return `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), msg: this.text(line) })}\n`;
    }
  }

  /** A plain text without secrets. */
  text(text: string): string {
    let clean = this.#secrets.redact(text);
    if (SUSPECT.test(clean)) for (const [pattern, replacement] of VALUES) clean = clean.replace(pattern, replacement);
    return clean;
  }

  #value(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return this.#secrets.found(String(value)) ? GONE : value;
    if (value === null || typeof value !== 'object') return value;
    if (depth > 12) return '[too deep]';
    if (Array.isArray(value)) return value.map((item) => this.#value(item, depth + 1));
    const clean: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const safeKey = this.text(key);
      clean[safeKey] = isSecretKey(key) && holdsText(item) ? GONE : this.#value(item, depth + 1);
    }
    return clean;
  }
}

const isSecretKey = (key: string): boolean => SECRET_KEY.test(key) && !HARMLESS_KEY.test(key);
/** A flag, a count or an absent value tells nothing. */
const holdsText = (item: unknown): boolean => item !== null && typeof item !== 'boolean' && item !== '';
