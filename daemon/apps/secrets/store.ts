import type { SecretFile, StagedSecrets } from '#daemon/platform/secrets/secret-file.ts';
import { secretReferences } from '#shared/config/defaults.ts';

/** What a secret of an app is for. */
export type SecretUse = keyof ReturnType<typeof secretReferences>;

/** A storage credential that is kept for a place, or the choice of the machine's role for it: `<use>@<id of the place>`. */
type KeptUse = `${'s3AccessKey' | 's3SecretKey' | 's3Role'}@${string}`;

/** New values by use; null or empty removes. */
export type SecretChanges = Partial<Record<SecretUse | KeptUse, string | null>>;

export interface SecretStoreDeps {
  file: SecretFile;
  env: Record<string, string | undefined>;
  /** Told of the values in the environment, so that no log line can carry them. */
  conceal?(value: string): () => void;
}

/**
 * The apps' credentials: `APP_<SLUG>_…` in the file of secrets. An environment variable of the same name wins. The name is always derived from the app and the use, so that no config can point at another secret.
 */
export class SecretStore {
  readonly #deps: SecretStoreDeps;
  constructor(deps: SecretStoreDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { env, conceal } = this.#deps;
    for (const value of Object.values(env)) if (value) conceal?.(value);
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
    const ids = this.#deps.file
      .names()
      .flatMap((name) => starts.filter((start) => name.startsWith(start)).map((start) => name.slice(start.length)));
    return [...new Set(ids)].filter((id) => /^[0-9a-f]{16}$/.test(id));
  }

  /** The value, or an empty string. */
  get(app: string, use: SecretUse | KeptUse): string {
    const name = this.reference(app, use);
    return this.#deps.env[name] || this.#deps.file.get(name) || '';
  }

  /** Where the value comes from, or null when there is none. */
  origin(app: string, use: SecretUse): 'environment' | 'file' | null {
    const name = this.reference(app, use);
    if (this.#deps.env[name]) return 'environment';
    return this.#deps.file.get(name) !== undefined ? 'file' : null;
  }

  /** Everything stored in the file for an app, by name. */
  storedFor(app: string): Record<string, string> {
    const { file } = this.#deps;
    const own = new Set<string>(Object.values(secretReferences(app)));
    const places = this.keptFor(app);
    for (const use of ['s3AccessKey', 's3SecretKey', 's3Role'] as const)
      for (const place of places) own.add(this.reference(app, `${use}@${place}`));
    return Object.fromEntries([...own].flatMap((name) => (file.get(name) ? [[name, file.get(name) as string]] : [])));
  }

  /** Stores and removes values of one app, all or none. A function decides when no other change is under way. */
  set(app: string, changes: SecretChanges | (() => SecretChanges)): Promise<void> {
    return this.#deps.file.set(this.#named(app, changes));
  }

  /** Prepares a change, so that a second file can be written before both come into force. Must be released. */
  stage(app: string, changes: SecretChanges | (() => SecretChanges)): Promise<StagedSecrets> {
    return this.#deps.file.stage(this.#named(app, changes));
  }

  #named(app: string, wanted: SecretChanges | (() => SecretChanges)) {
    return () => {
      const changes = typeof wanted === 'function' ? wanted() : wanted;
      const entries = Object.entries(changes) as [SecretUse | KeptUse, string | null | undefined][];
      return Object.fromEntries(entries.map(([use, value]) => [this.reference(app, use), value]));
    };
  }

  /** Stores these values of an app, by name, and forgets all others of it. */
  replace(app: string, values: Readonly<Record<string, string>>): Promise<void> {
    return this.#deps.file.set(() => {
      const before = Object.keys(this.storedFor(app)).map((name) => [name, null] as const);
      return { ...Object.fromEntries(before), ...values };
    });
  }

  /** Forgets everything stored for an app. */
  dropApp(app: string): Promise<void> {
    return this.replace(app, {});
  }
}
