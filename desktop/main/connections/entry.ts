import { DaemonConnection, type Timing } from '#shared/connection/daemon-connection.ts';
import { type KeptSecret, packSecret, type Secret, unpackSecret } from '#shared/connection/secret.ts';
import type { Connection, Keep } from '#shared/ipc/connections.ts';
import type { Emit } from '#shared/ipc/index.ts';
import { failure } from '#shared/ipc/outcome.ts';
import type { SecretStore } from '#shared/keychain/secret-store.ts';
import { EventLog } from './event-log.ts';
import { checkHealth, recognise } from './probe.ts';
import type { ConnectionRecord } from './records.ts';
import type { SnapshotStore } from './snapshots.ts';
import { Transport } from './transport.ts';

export interface EntryOptions {
  secrets: SecretStore;
  emit: Emit;
  timing: Timing;
  snapshots: SnapshotStore;
  /** The daemon's numbers were read again. */
  onSnapshot: () => void;
}

const WRITE_BACK_MS = 5000;

/** One connection of the list: its record, its state, its newest events. */
export class Entry {
  record: ConnectionRecord;
  readonly connection: DaemonConnection;
  readonly log: EventLog;
  readonly #secrets: SecretStore;

  constructor(record: ConnectionRecord, { secrets, emit, timing, snapshots, onSnapshot }: EntryOptions) {
    this.record = record;
    this.#secrets = secrets;
    const { id } = record;
    const { lastSeenAt, version } = snapshots.get(id);
    this.log = new EventLog((events) => emit('events:events', { connectionId: id, events }));
    this.connection = new DaemonConnection({
      name: () => this.record.name,
      transport: new Transport({ base: record.url, pinned: record.pinned?.fingerprint ?? null }),
      checkHealth,
      recognise,
      timing,
      lastSeenAt,
      version,
      readSecret: () => this.#read(),
      writeSecret: (secret) => this.#writeBack(secret),
      onState: (state) => {
        snapshots.sawState(id, state);
        emit('connections:state', { id, state });
      },
      onEvents: (events) => this.log.add(events),
      onGap: () => {
        this.log.flush();
        this.log.clear();
        emit('events:gap', { connectionId: id });
      },
      onSnapshot: (snapshot) => {
        snapshots.sawNumbers(id, snapshot);
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
    const held = this.#secrets.isSessionOnly(this.id) ? 'session' : kept === 'keychain' ? 'keychain' : 'none';
    return { ...this.record, credential: { ...credential, kept: held }, state: this.connection.state };
  }

  /** The secret in the secret store. @throws KEYCHAIN_LOCKED and its kin */
  async secret(): Promise<Secret | undefined> {
    const text = await this.#secrets.read(this.id);
    return text === null ? undefined : unpackSecret(text);
  }

  /** Puts the secret into the secret store, then into the record: a record never claims what is not there. */
  async store(secret: KeptSecret, keep: Keep): Promise<void> {
    await this.#secrets.write(this.id, packSecret(secret), keep);
    const module = keep === 'keychain' ? (await this.#secrets.state()).module : null;
    const user = secret.kind === 'password' ? secret.user : null;
    this.record = { ...this.record, credential: { kind: secret.kind, user, kept: keep, module } };
  }

  async #read(): Promise<string | null> {
    const { name, credential } = this.record;
    if (this.#secrets.isSessionOnly(this.id)) return await this.#secrets.read(this.id);
    if (credential.kept !== 'keychain') return null;
    const text = await this.#secrets.read(this.id);
    if (text !== null) return text;
    const { module } = await this.#secrets.state();
    const hint =
      credential.module !== null && module !== credential.module
        ? `It was stored in the keychain with ${credential.module}, which cannot be loaded now. Sign in again.`
        : 'It is no longer in the keychain. Sign in again.';
    throw failure('NO_CREDENTIAL', { name }, { hint });
  }

  /** A renewed session; anyone who waits for it does not wait for a person at the keychain. */
  async #writeBack(secret: string): Promise<void> {
    const late = new Promise<void>((resolve) => setTimeout(resolve, WRITE_BACK_MS).unref());
    const keep = this.#secrets.isSessionOnly(this.id) ? 'session' : 'keychain';
    await Promise.race([this.#secrets.write(this.id, secret, keep), late]);
  }
}
