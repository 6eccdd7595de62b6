import type { EventTopic } from '#shared/schema/events.ts';
import type { Clock } from '../clock.ts';
import { eventMigrations } from '../db/events/index.ts';
import type { Db } from '../db/open.ts';
import { RenewableDatabase } from '../db/renewable.ts';
import type { Audience } from './topics.ts';

/** An event as it is kept and sent. */
export interface StoredEvent extends Audience {
  id: number;
  /** Milliseconds since 1970. */
  at: number;
  type: string;
  /** JSON of the EventMessage. */
  body: string;
}

interface Row {
  id: number;
  at: number;
  topic: string;
  app: string | null;
  app_id: number | null;
  tenant: string | null;
  user: string | null;
  type: string;
  body: string;
}

export interface EventStoreOptions {
  file: string;
  maxRows: number;
  maxAgeMs: number;
  clock: Clock;
  /** The time by which events are too old. */
  retentionNow(): number;
  /** Told when the file could not be used and was set aside. */
  onDamage(keptAs: string): void;
  /** Told why there is no file, so that events are kept in memory. */
  onRefusal(error: unknown): void;
}

const PRUNE_EVERY = 512;
const MAX_UNSAVED = 5000;

/**
 * The events that readers can still ask for, in a separate file. Ids always grow: each start continues from the clock
 * or the last id, whichever is higher, so that not even a lost file makes an id come twice.
 */
export class EventStore {
  readonly #options: EventStoreOptions;
  readonly #file: RenewableDatabase<ReturnType<typeof statements>>;
  #nextId = 1;
  #prunedTo = 0;
  #sincePrune = 0;
  #markUnsaved = false;
  /** Events that could not be written yet, in order; all of them are newer than what the file holds. */
  #unsaved: StoredEvent[] = [];

  constructor(options: EventStoreOptions) {
    this.#options = options;
    this.#file = new RenewableDatabase({
      file: options.file,
      migrations: eventMigrations,
      prepare: statements,
      at: () => options.clock.now(),
      onDamage: (keptAs) => {
        // nobody can resume from what is lost
        this.#prunedTo = (this.#unsaved[0]?.id ?? this.#nextId) - 1;
        this.#markUnsaved = true;
        options.onDamage(keptAs);
      },
      onRefusal: options.onRefusal,
    });
    const { last, pruned } = this.#file.use((sql) => ({
      last: sql.last.get() ?? 0,
      pruned: sql.mark.get('pruned_to'),
    }));
    this.#nextId = Math.max(last + 1, options.clock.now());
    this.#prunedTo = pruned ?? this.#nextId - 1;
    this.#markUnsaved = pruned === undefined;
  }

  /** The newest id given out. */
  get lastId(): number {
    return this.#nextId - 1;
  }

  /** A reader that has seen less than this id has missed events for good. */
  get prunedTo(): number {
    return this.#prunedTo;
  }

  takeId(): number {
    return this.#nextId++;
  }

  /** Does memory hold events that could not be written yet? */
  get isBehind(): boolean {
    return this.#unsaved.length > 0;
  }

  /**
   * Writes events, with those that could not be written before. Those that can't be written wait in memory; readers get
   * them from there. Only beyond `MAX_UNSAVED` are the oldest forgotten; then nobody can resume from before them.
   */
  append(events: readonly StoredEvent[]): void {
    this.#unsaved.push(...events);
    const written = this.#unsaved.length;
    try {
      this.#file.use((sql, db) =>
        db.transaction(() => {
          for (const event of this.#unsaved) sql.insert.run(event);
          if (this.#markUnsaved) sql.setMark.run('pruned_to', this.#prunedTo);
        })(),
      );
    } catch (error) {
      const forgotten = this.#unsaved.splice(0, Math.max(0, this.#unsaved.length - MAX_UNSAVED)).at(-1);
      if (forgotten !== undefined) {
        this.#prunedTo = forgotten.id;
        this.#markUnsaved = true;
      }
      throw error;
    }
    this.#unsaved = [];
    this.#markUnsaved = false;
    this.#sincePrune += written;
    if (this.#sincePrune >= PRUNE_EVERY) this.prune();
  }

  /** The next ones after an id, in order. */
  after(id: number, limit: number): StoredEvent[] {
    const rows = this.#file.use((sql) => sql.after.all(id, limit));
    const kept = rows.map(({ app_id, topic, ...row }) => ({
      ...row,
      appId: app_id,
      topic: topic as EventTopic,
    }));
    return kept.length > 0 ? kept : this.#unsaved.filter((event) => event.id > id).slice(0, limit);
  }

  /** Forgets what is too old or too much. */
  prune(): void {
    this.#sincePrune = 0;
    this.#file.use((sql, db) => {
      const byCount = sql.nthNewest.get(this.#options.maxRows) ?? 0;
      const firstYoung = sql.firstSince.get(this.#options.retentionNow() - this.#options.maxAgeMs);
      const byAge = firstYoung === undefined ? (sql.last.get() ?? 0) : firstYoung - 1;
      const to = Math.max(byCount, byAge);
      if (to <= this.#prunedTo) return;
      db.transaction(() => {
        sql.removeTo.run(to);
        sql.setMark.run('pruned_to', to);
      })();
      this.#prunedTo = to;
    });
  }

  close(): void {
    try {
      this.#file.use((_sql, db) => db.pragma('wal_checkpoint(TRUNCATE)'));
    } finally {
      this.#file.close();
    }
  }
}

function statements(db: Db) {
  return {
    last: db.prepare<[], number | null>('SELECT max(id) FROM events').pluck(),
    insert: db.prepare<[StoredEvent]>(
      `INSERT INTO events (id, at, topic, app, app_id, tenant, user, type, body)
       VALUES (@id, @at, @topic, @app, @appId, @tenant, @user, @type, @body)`,
    ),
    after: db.prepare<[number, number], Row>('SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?'),
    nthNewest: db.prepare<[number], number>('SELECT id FROM events ORDER BY id DESC LIMIT 1 OFFSET ?').pluck(),
    // ids follow time: only what is about to be removed is read
    firstSince: db.prepare<[number], number>('SELECT id FROM events WHERE at >= ? ORDER BY id LIMIT 1').pluck(),
    removeTo: db.prepare<[number]>('DELETE FROM events WHERE id <= ?'),
    mark: db.prepare<[string], number>('SELECT value FROM event_marks WHERE key = ?').pluck(),
    setMark: db.prepare<[string, number]>(
      'INSERT INTO event_marks (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    ),
  };
}
