import type { Connection, Keep } from '#shared/ipc/connections.ts';
import type { Emit } from '#shared/ipc/index.ts';
import { failure } from '#shared/ipc/outcome.ts';
import type { Vault } from '../vault/vault.ts';
import { EventLog } from './event-log.ts';
import { Link, type Timing } from './link.ts';
import type { Memories } from './memories.ts';
import type { ConnectionRecord } from './records.ts';
import { packSecret, type Secret, unpackSecret } from './secret.ts';

export interface EntryOptions {
  vault: Vault;
  emit: Emit;
  timing: Timing;
  memories: Memories;
  /** The daemon's numbers were read anew. */
  onSnapshot: () => void;
}

const WRITE_BACK_MS = 5000;

/** One connection of the list: what is remembered of it, its life, its newest events. */
export class Entry {
  record: ConnectionRecord;
  readonly link: Link;
  readonly log: EventLog;
  readonly #vault: Vault;

  constructor(record: ConnectionRecord, { vault, emit, timing, memories, onSnapshot }: EntryOptions) {
    this.record = record;
    this.#vault = vault;
    const { id } = record;
    const { lastSeenAt, version } = memories.get(id);
    this.log = new EventLog((events) => emit('events:events', { connectionId: id, events }));
    this.link = new Link({
      name: () => this.record.name,
      route: { base: record.url, pinned: record.pinned?.fingerprint ?? null },
      timing,
      lastSeenAt,
      version,
      readSecret: () => this.#read(),
      writeSecret: (secret) => this.#writeBack(secret),
      onState: (state) => {
        memories.sawState(id, state);
        emit('connections:state', { id, state });
      },
      onEvents: (events) => this.log.add(events),
      onGap: () => {
        this.log.flush();
        this.log.clear();
        emit('events:gap', { connectionId: id });
      },
      onSnapshot: (snapshot) => {
        memories.sawNumbers(id, snapshot);
        onSnapshot();
      },
    });
  }

  get id(): string {
    return this.record.id;
  }

  /** As the pages see it. */
  view(): Connection {
    const { module: _module, kept, ...credential } = this.record.credential;
    const held = this.#vault.isSessionOnly(this.id) ? 'session' : kept === 'keychain' ? 'keychain' : 'none';
    return { ...this.record, credential: { ...credential, kept: held }, state: this.link.state };
  }

  /** The secret in the vault. @throws KEYCHAIN_LOCKED and its kin */
  async secret(): Promise<Secret | undefined> {
    const text = await this.#vault.read(this.id);
    return text === null ? undefined : unpackSecret(text);
  }

  /** Puts the secret into the vault, then into the record: a record never claims what is not there. */
  async store(secret: Secret, keep: Keep): Promise<void> {
    await this.#vault.write(this.id, packSecret(secret), keep);
    const module = keep === 'keychain' ? (await this.#vault.state()).module : null;
    const user = secret.kind === 'password' ? secret.user : null;
    this.record = { ...this.record, credential: { kind: secret.kind, user, kept: keep, module } };
  }

  async #read(): Promise<string | null> {
    const { name, credential } = this.record;
    if (this.#vault.isSessionOnly(this.id)) return await this.#vault.read(this.id);
    if (credential.kept !== 'keychain') return null;
    const text = await this.#vault.read(this.id);
    if (text !== null) return text;
    const { module } = await this.#vault.state();
    const hint =
      credential.module !== null && module !== credential.module
        ? `It was put into the keychain by ${credential.module}, which does not load now. Sign in again.`
        : 'The keychain is open but no longer holds it. Sign in again.';
    throw failure('NO_CREDENTIAL', { name }, { hint });
  }

  /** A renewed session; whoever waits for it does not wait for a person at the keychain. */
  async #writeBack(secret: string): Promise<void> {
    const late = new Promise<void>((resolve) => setTimeout(resolve, WRITE_BACK_MS).unref());
    const keep = this.#vault.isSessionOnly(this.id) ? 'session' : 'keychain';
    await Promise.race([this.#vault.write(this.id, secret, keep), late]);
  }
}
