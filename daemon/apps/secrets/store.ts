import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Mutex } from 'async-mutex';
import type { Log } from '#daemon/platform/log.ts';
import { secretReferences } from '#shared/config/defaults.ts';
import { ensureMode, recoverFile, type StagedFile, stageFile } from '#shared/files/atomic-file.ts';
import { setAside } from '#shared/files/set-aside.ts';

/** What a secret of an app is for. */
export type SecretUse = keyof ReturnType<typeof secretReferences>;

/** A storage credential that is kept for a place, or the choice of the machine's role for it: `<use>@<id of the place>`. */
type KeptUse = `${'s3AccessKey' | 's3SecretKey' | 's3Role'}@${string}`;

/** New values by use; null or empty removes. */
export type SecretChanges = Partial<Record<SecretUse | KeptUse, string | null>>;

/** A change that is on the disk but not active yet. Other writers wait until it is released. */
export interface StagedSecrets {
  /** The new secrets.json; undefined if nothing changes. */
  file: StagedFile | undefined;
  /** Activates the values after the file is in place. */
  adopt(): void;
  /** Lets the next writer continue. */
  release(): void;
}

export interface SecretStoreDeps {
  /** `data/secrets.json`. */
  file: string;
  env: Record<string, string | undefined>;
  log: Log<'warn'>;
  /** Called with every value, so that no log line contains it. @returns forgets it */
  conceal?(value: string): () => void;
}

/**
 * The apps' credentials: a flat JSON object `APP_<SLUG>_…` → value in a file of mode 600. An environment variable of the
 * same name wins. The name is always derived from the app and the use, so that no config can point at another secret.
 */
export class SecretStore {
  readonly #deps: SecretStoreDeps;
  #values: ReadonlyMap<string, string> = new Map();
  readonly #concealed = new Map<string, () => void>();
  readonly #writing = new Mutex();

  constructor(deps: SecretStoreDeps) {
    this.#deps = deps;
  }

  /** Reads the file once; afterwards the copy in memory is used. */
  async start(): Promise<void> {
    const { file, log, env, conceal } = this.#deps;
    for (const value of Object.values(env)) if (value) conceal?.(value);
    const folder = path.dirname(file);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await ensureMode(folder, 0o700);
    await recoverFile(file);
    let text: string;
    try {
      text = await readFile(file, 'utf8');
      await ensureMode(file, 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return;
    }
    const values = parseSecrets(text);
    if (values === undefined) {
      const kept = setAside(file, 'unreadable');
      log.warn(
        { kept: path.basename(kept) },
        'secrets.json could not be read; it was set aside, and no secrets are stored now',
      );
      return;
    }
    this.#adopt(values);
  }

  /** Name under which a secret is stored, and of the environment variable that wins over it. */
  reference(app: string, use: SecretUse | KeptUse): string {
    const [base, place] = use.split('@') as [SecretUse | 's3Role', string | undefined];
    const references = secretReferences(app);
    const name = base === 's3Role' ? `${references.s3AccessKey}_ROLE` : references[base];
    // lower-case hex, so it is not the name of another app
    return place === undefined ? name : `${name}__${place}`;
  }

  /** Ids of the places that storage credentials, or a role, are kept for. */
  keptFor(app: string): string[] {
    const starts = (['s3AccessKey@', 's3Role@'] as const).map((use) => this.reference(app, use));
    const ids = [...this.#values.keys()].flatMap((name) =>
      starts.filter((start) => name.startsWith(start)).map((start) => name.slice(start.length)),
    );
    return [...new Set(ids)].filter((id) => /^[0-9a-f]{16}$/.test(id));
  }

  /** The value, or an empty string. */
  get(app: string, use: SecretUse | KeptUse): string {
    const name = this.reference(app, use);
    return this.#deps.env[name] || this.#values.get(name) || '';
  }

  /** Where the value comes from, or null when there is none. */
  origin(app: string, use: SecretUse): 'environment' | 'file' | null {
    const name = this.reference(app, use);
    if (this.#deps.env[name]) return 'environment';
    return this.#values.has(name) ? 'file' : null;
  }

  /** Stores and removes values of one app, all or none. A function decides when no other change is under way. */
  async set(app: string, changes: SecretChanges | (() => SecretChanges)): Promise<void> {
    const staged = await this.stage(app, changes);
    try {
      await staged.file?.commit();
      staged.adopt();
    } finally {
      staged.release();
    }
  }

  /** Prepares a change, so that a second file can be written before both become active. Must be released. */
  async stage(app: string, wanted: SecretChanges | (() => SecretChanges)): Promise<StagedSecrets> {
    const release = await this.#writing.acquire();
    try {
      const changes = typeof wanted === 'function' ? wanted() : wanted;
      const values = new Map(this.#values);
      for (const [use, value] of Object.entries(changes) as [SecretUse | KeptUse, string | null | undefined][]) {
        if (value === undefined) continue;
        const name = this.reference(app, use);
        if (value) values.set(name, value);
        else values.delete(name);
      }
      if (sameEntries(values, this.#values)) return { file: undefined, adopt: () => {}, release };
      const text = `${JSON.stringify(Object.fromEntries([...values].sort()), null, 2)}\n`;
      return { file: await stageFile(this.#deps.file, text), adopt: () => this.#adopt(values), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #adopt(values: ReadonlyMap<string, string>): void {
    this.#values = values;
    const { conceal } = this.#deps;
    if (conceal === undefined) return;
    const held = new Set(values.values());
    for (const value of held) if (!this.#concealed.has(value)) this.#concealed.set(value, conceal(value));
    for (const [value, forget] of this.#concealed) {
      if (held.has(value)) continue;
      forget();
      this.#concealed.delete(value);
    }
  }

  /** Forgets everything stored for an app. */
  async dropApp(app: string): Promise<void> {
    const changes: SecretChanges = { s3AccessKey: null, s3SecretKey: null, callbackSecret: null, mqttPassword: null };
    for (const place of this.keptFor(app)) {
      changes[`s3AccessKey@${place}`] = null;
      changes[`s3SecretKey@${place}`] = null;
      changes[`s3Role@${place}`] = null;
    }
    await this.set(app, changes);
  }
}

function parseSecrets(text: string): Map<string, string> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return new Map(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return undefined;
  }
}

function sameEntries(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}
