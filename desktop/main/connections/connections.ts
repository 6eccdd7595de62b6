import { randomUUID } from 'node:crypto';
import { baseUrl, nameOf } from '#shared/connection/address.ts';
import type { Timing } from '#shared/connection/daemon-connection.ts';
import { type KeptSecret, packSecret } from '#shared/connection/secret.ts';
import { endSession, signIn } from '#shared/connection/sign-in.ts';
import type { Connection, Credential, Keep, Snapshot } from '#shared/ipc/connections.ts';
import type { Emit } from '#shared/ipc/index.ts';
import { failure } from '#shared/ipc/outcome.ts';
import type { SecretStore } from '#shared/keychain/secret-store.ts';
import type { FileProblem, JsonFile } from '../files/json-file.ts';
import { Entry } from './entry.ts';
import { type ConnectionList, type ConnectionRecord, recordsFile } from './records.ts';
import { SnapshotStore } from './snapshots.ts';
import { type Route, Transport } from './transport.ts';

export interface ConnectionsOptions {
  folder: string;
  secrets: SecretStore;
  emit: Emit;
  timing: Timing;
  /** A daemon’s numbers were read again. */
  onSnapshot: () => void;
}

export interface NewConnection {
  url: string;
  name?: string;
  colour?: string;
  credential: Credential;
  keep: Keep;
  fingerprint?: string;
}

const COLOURS = ['#2f6fde', '#0f766e', '#c2410c', '#7c3aed', '#be123c', '#4d7c0f', '#0369a1', '#a16207'] as const;

/** All connections: the remembered list, and the life of each. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #file: JsonFile<ConnectionList>;
  readonly #snapshots: SnapshotStore;
  #entries: Entry[] = [];
  #orphans = new Set<string>();
  #problem: FileProblem | null = null;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#file = recordsFile(options.folder);
    this.#snapshots = new SnapshotStore(options.folder);
  }

  /** Reads the list and connects to all of it. */
  async start(): Promise<void> {
    const { value, problem } = await this.#file.read();
    this.#problem = problem;
    this.#orphans = new Set(value.orphans);
    await this.#snapshots.load(new Set(value.connections.map(({ id }) => id)));
    this.#entries = value.connections.map((record) => this.#entry(record));
    for (const { connection } of this.#entries) connection.start();
    await this.#sweep();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#entries.map(({ connection }) => connection.stop()));
    for (const { log } of this.#entries) log.flush();
    await this.#snapshots.flush();
  }

  list(): { connections: Connection[]; problem: FileProblem | null } {
    return { connections: this.#entries.map((entry) => entry.view()), problem: this.#problem };
  }

  /** @throws UNKNOWN_CONNECTION */
  get(id: string): Entry {
    const entry = this.#entries.find((other) => other.id === id);
    if (entry === undefined) throw failure('UNKNOWN_CONNECTION', { id });
    return entry;
  }

  /** The connection to the daemon on this machine. */
  get local(): Entry | undefined {
    return this.#entries.find(({ record }) => record.kind === 'local');
  }

  snapshot(id: string): Snapshot | null {
    return this.#snapshots.get(this.get(id).id).snapshot;
  }

  async add({ url: typed, name, colour, credential, keep, fingerprint }: NewConnection): Promise<Connection> {
    const url = baseUrl(typed);
    this.#refuseDouble(url);
    const secret = await exchange({ base: url, pinned: fingerprint ?? null }, credential);
    this.#refuseDouble(url);
    const record = this.#record('remote', url, {
      name: name ?? nameOf(url),
      ...(colour === undefined ? {} : { colour }),
      pinned: fingerprint === undefined ? null : { fingerprint, since: new Date().toISOString() },
    });
    return await this.#adopt(record, secret, keep);
  }

  /** The connection to the daemon on this machine, made or brought up to date; without a token it is signed out. @returns its id */
  async putLocal({ base: url, pinned: fingerprint }: Route, token: string | undefined, keep: Keep): Promise<string> {
    const pinned = fingerprint === null ? null : { fingerprint, since: new Date().toISOString() };
    const secret: KeptSecret | undefined = token === undefined ? undefined : { kind: 'token', token };
    const known = this.local;
    if (known === undefined)
      return (await this.#adopt(this.#record('local', url, { name: 'This computer', pinned }), secret, keep)).id;
    if (known.record.url !== url || (known.record.pinned?.fingerprint ?? null) !== fingerprint) {
      await this.#change(known, { url, pinned });
      await known.connection.reroute(new Transport({ base: url, pinned: fingerprint }));
    }
    const held = await known.secret().catch(() => undefined);
    if (secret !== undefined && (held === undefined || packSecret(held) !== packSecret(secret)))
      await this.#keep(known, secret, keep);
    else known.connection.retry();
    return known.id;
  }

  async update(id: string, { name, colour }: { name?: string; colour?: string }): Promise<Connection> {
    const entry = this.get(id);
    await this.#change(entry, { ...(name === undefined ? {} : { name }), ...(colour === undefined ? {} : { colour }) });
    return entry.view();
  }

  async reorder(ids: readonly string[]): Promise<void> {
    const ordered = [...new Set(ids)].map((id) => this.get(id));
    if (ordered.length !== ids.length || ordered.length !== this.#entries.length)
      throw failure('BAD_CALL', { channel: 'connections:reorder', reason: 'every connection must be listed once' });
    const before = this.#entries;
    this.#entries = ordered;
    await this.#save(() => {
      this.#entries = before;
    });
  }

  async remove(id: string): Promise<void> {
    const entry = this.get(id);
    await this.#forgetSecret(entry);
    this.#entries = this.#entries.filter((other) => other !== entry);
    await entry.connection.stop();
    this.#snapshots.forget(id);
    await this.#save();
  }

  async signIn(id: string, credential: Credential | { kind: 'code'; code: string }, keep: Keep): Promise<Connection> {
    const entry = this.get(id);
    const complete = credential.kind === 'code' ? await withCode(entry, credential.code) : credential;
    await this.#keep(entry, await signIn(entry.connection.transport, complete), keep);
    return entry.view();
  }

  async signOut(id: string): Promise<Connection> {
    const entry = this.get(id);
    await this.#forgetSecret(entry);
    await this.#change(entry, { credential: { ...entry.record.credential, kept: 'none' } });
    entry.connection.signedOut();
    return entry.view();
  }

  async trust(id: string, fingerprint: string): Promise<Connection> {
    const entry = this.get(id);
    await this.#change(entry, { pinned: { fingerprint, since: new Date().toISOString() } });
    await entry.connection.reroute(new Transport({ base: entry.record.url, pinned: fingerprint }));
    return entry.view();
  }

  /** After sleep, a change of network, or an unlocked keychain: anyone who waits tries now. */
  retryAll(): void {
    for (const { connection } of this.#entries) {
      if (connection.state.status === 'online') connection.suspect();
      else if (connection.state.status !== 'signed-out' && connection.state.status !== 'untrusted') connection.retry();
    }
    void this.#sweep();
  }

  /** Moves the credential from memory into the keychain. */
  async keepInKeychain(id: string): Promise<void> {
    const entry = this.get(id);
    await this.#options.secrets.keep(id);
    const { module } = await this.#options.secrets.state();
    await this.#change(entry, { credential: { ...entry.record.credential, kept: 'keychain', module } });
  }

  #entry(record: ConnectionRecord): Entry {
    const { secrets, emit, timing, onSnapshot } = this.#options;
    return new Entry(record, { secrets, emit, timing, onSnapshot, snapshots: this.#snapshots });
  }

  #record(
    kind: ConnectionRecord['kind'],
    url: string,
    look: Pick<ConnectionRecord, 'name'> & Partial<Pick<ConnectionRecord, 'colour' | 'pinned'>>,
  ): ConnectionRecord {
    const used = new Set(this.#entries.map(({ record }) => record.colour));
    const next = COLOURS.find((colour) => !used.has(colour)) ?? COLOURS[this.#entries.length % COLOURS.length];
    return {
      id: randomUUID(),
      name: look.name,
      url,
      colour: look.colour ?? next ?? COLOURS[0],
      kind,
      credential: { kind: 'token', user: null, kept: 'none', module: null },
      pinned: look.pinned ?? null,
      addedAt: new Date().toISOString(),
    };
  }

  async #adopt(record: ConnectionRecord, secret: KeptSecret | undefined, keep: Keep): Promise<Connection> {
    const entry = this.#entry(record);
    if (secret !== undefined) await entry.store(secret, keep);
    this.#entries.push(entry);
    try {
      await this.#save();
    } catch (error) {
      this.#entries = this.#entries.filter((other) => other !== entry);
      await this.#options.secrets.remove(record.id).catch(() => {});
      throw error;
    }
    entry.connection.start();
    return entry.view();
  }

  async #keep(entry: Entry, secret: KeptSecret, keep: Keep): Promise<void> {
    const before = entry.record.credential.kept;
    await entry.store(secret, keep);
    if (before === 'keychain' && keep === 'session') await this.#clearKept(entry.id);
    await this.#save();
    entry.connection.credentialChanged();
  }

  /** Ends the session and takes the secret out of the secret store; what the keychain does not give up now is tried again later. */
  async #forgetSecret(entry: Entry): Promise<void> {
    const { kept } = entry.record.credential;
    const secret = await entry.secret().catch(() => undefined);
    if (secret !== undefined && entry.connection.state.status === 'online')
      await endSession(entry.connection.transport, secret).catch(() => {});
    if (kept === 'keychain') await this.#clearKept(entry.id);
    else await this.#options.secrets.remove(entry.id).catch(() => {});
  }

  async #clearKept(id: string): Promise<void> {
    try {
      await this.#options.secrets.removeKept(id);
    } catch {
      this.#orphans.add(id);
    }
  }

  async #sweep(): Promise<void> {
    const before = this.#orphans.size;
    for (const id of this.#orphans) {
      // signed in again in the meantime: the secret belongs to someone
      const owner = this.#entries.find((entry) => entry.id === id);
      if (owner !== undefined && owner.record.credential.kept === 'keychain') this.#orphans.delete(id);
      else
        await this.#options.secrets.removeKept(id).then(
          () => this.#orphans.delete(id),
          () => {},
        );
    }
    if (this.#orphans.size !== before) await this.#file.write(this.#content()).catch(() => {});
  }

  #refuseDouble(url: string): void {
    const there = this.#entries.find(({ record }) => record.url === url);
    if (there === undefined) return;
    throw failure('CONNECTION_EXISTS', { url, name: there.record.name }, { details: { id: there.id } });
  }

  async #change(entry: Entry, change: Partial<ConnectionRecord>): Promise<void> {
    const before = entry.record;
    entry.record = { ...before, ...change };
    await this.#save(() => {
      entry.record = before;
    });
  }

  #content(): ConnectionList {
    return { connections: this.#entries.map(({ record }) => record), orphans: [...this.#orphans] };
  }

  /** Writes the list and tells it; when it cannot be written nothing has changed. */
  async #save(undo: () => void = () => {}): Promise<void> {
    try {
      await this.#file.write(this.#content());
    } catch (error) {
      undo();
      throw error;
    }
    this.#options.emit('connections:changed', { connections: this.list().connections });
  }
}

/** Signs in somewhere that is not a connection yet. */
async function exchange(route: Route, credential: Credential): Promise<KeptSecret> {
  const transport = new Transport(route);
  try {
    return await signIn(transport, credential);
  } finally {
    await transport.close();
  }
}

/** The kept password, with the second factor that the daemon asked for. */
async function withCode(entry: Entry, code: string): Promise<Credential> {
  const secret = await entry.secret();
  if (secret?.kind !== 'password')
    throw failure('NO_CREDENTIAL', { name: entry.record.name }, { hint: 'Enter the password too.' });
  return { kind: 'password', user: secret.user, password: secret.password, code };
}
