import type { Statement } from 'better-sqlite3';
import type { Db } from '../db/open.ts';

/** Ids that one batch covers. */
const BATCH = 16_384;
/** Ids outside of batches up to which the blocks are of use. */
const MAX_LOOSE = 4 * BATCH;
/** Stands between messages; none holds it. */
const SEPARATOR = '\0';

export interface Place {
  ts: number;
  id: number;
}
export interface IdRange {
  /** Exclusive. */
  from: number;
  /** Inclusive. */
  to: number;
}
export interface TextQuery {
  partitions: readonly { appId: number | null; level: number }[];
  q: string;
  since: number;
  until: number;
  order: 'asc' | 'desc';
  /** First places that are wanted. */
  need: number;
}

interface Batch extends IdRange {
  id: number;
}
interface Block {
  id: number;
  batch: number;
  minTs: number;
  maxTs: number;
}
interface Gathering {
  ids: number[];
  times: number[];
  texts: string[];
  minTs: number;
  maxTs: number;
}

/**
 * The messages of the log as long texts, one for each app and level of a batch of ids: finding a word in them costs a
 * third of reading the rows. A batch is made once its ids are complete; rows that change or go take theirs with them,
 * and it is made anew later.
 */
export class TextBlocks {
  readonly #db: Db;
  readonly #batchSize: number;
  /** By id; they do not overlap. */
  #batches: Batch[];
  readonly #statements = new Map<string, Statement<unknown[]>>();

  constructor(db: Db, batchSize = BATCH) {
    this.#db = db;
    this.#batchSize = batchSize;
    this.#batches = this.#sql(
      'SELECT id, from_id AS "from", to_id AS "to" FROM log_batches ORDER BY from_id',
    ).all() as Batch[];
  }

  /** Ranges of ids up to `lastId` that no batch covers. */
  loose(lastId: number): IdRange[] {
    const firstId = (this.#sql('SELECT min(id) AS id FROM server_logs').get() as { id: number | null }).id;
    if (firstId === null) return [];
    const ranges: IdRange[] = [];
    let from = firstId - 1;
    for (const batch of this.#batches) {
      if (batch.from > from) ranges.push({ from, to: batch.from });
      from = Math.max(from, batch.to);
    }
    if (lastId > from) ranges.push({ from, to: lastId });
    return ranges;
  }

  /** Are there few enough rows outside of batches? */
  isUseful(loose: readonly IdRange[]): boolean {
    return this.#batches.length > 0 && loose.reduce((sum, { from, to }) => sum + to - from, 0) <= MAX_LOOSE;
  }

  /** Makes one batch, if a range of ids is ready for it. */
  grow(lastId: number): void {
    const ranges = this.loose(lastId);
    const last = ranges.at(-1);
    // the newest rows are not complete yet
    const ready = ranges.find(
      (range) => range !== last || range.to < lastId || range.to - range.from >= this.#batchSize,
    );
    if (ready !== undefined) this.#make({ from: ready.from, to: Math.min(ready.to, ready.from + this.#batchSize) });
  }

  /** Rows of these ids changed or went; part of the caller's transaction. */
  drop(ids: readonly number[]): void {
    const stale = new Set<Batch>();
    for (const id of ids) {
      const batch = this.#batchOf(id);
      if (batch !== undefined) stale.add(batch);
    }
    if (stale.size === 0) return;
    for (const { id } of stale) {
      this.#sql('DELETE FROM log_text WHERE batch = ?').run(id);
      this.#sql('DELETE FROM log_batches WHERE id = ?').run(id);
    }
    this.#batches = this.#batches.filter((batch) => !stale.has(batch));
  }

  /** Forgets what `drop` did in a transaction that failed. */
  reload(): void {
    this.#batches = this.#sql(
      'SELECT id, from_id AS "from", to_id AS "to" FROM log_batches ORDER BY from_id',
    ).all() as Batch[];
  }

  /** What the batches hold: the number of rows that match, and at least the first `need` of them, unordered. */
  search(query: TextQuery): { total: number; places: Place[] } {
    const { since, until, need } = query;
    const isDown = query.order === 'desc';
    const needle = Buffer.from(fold(query.q), 'utf8').toString('latin1');
    const blocks = query.partitions.flatMap(({ appId, level }) => this.#blocksOf(appId, level, since, until));
    blocks.sort(isDown ? (a, b) => b.maxTs - a.maxTs : (a, b) => a.minTs - b.minTs);
    let places: Place[] = [];
    /** Time of the last place that is needed; what lies behind it is only counted. */
    let limit: number | undefined;
    let total = 0;
    for (const block of blocks) {
      const isBehind = limit !== undefined && (isDown ? block.maxTs < limit : block.minTs > limit);
      const isInside = block.minTs >= since && block.maxTs <= until;
      if (isInside && (isBehind || need === 0)) {
        total += this.#count(block, needle);
        continue;
      }
      const found = this.#places(block, needle).filter(({ ts }) => ts >= since && ts <= until);
      total += found.length;
      if (isBehind || need === 0) continue;
      places.push(...found);
      if (places.length >= need && found.length > 0) {
        places.sort(isDown ? (a, b) => b.ts - a.ts || b.id - a.id : (a, b) => a.ts - b.ts || a.id - b.id);
        places = places.slice(0, need);
        limit = (places.at(-1) as Place).ts;
      }
    }
    return { total, places };
  }

  #count({ id }: Block, needle: string): number {
    const { text } = this.#sql('SELECT text FROM log_text WHERE id = ?').get(id) as { text: Buffer };
    // looking for what is not there is fastest in the bytes; hit by hit, the text is
    const first = text.indexOf(needle, 0, 'latin1');
    if (first < 0) return 0;
    const all = text.toString('latin1');
    let count = 0;
    for (let at = first; at >= 0; at = all.indexOf(needle, at)) {
      count += 1;
      at = all.indexOf(SEPARATOR, at);
    }
    return count;
  }

  #places({ id, batch }: Block, needle: string): Place[] {
    const { text } = this.#sql('SELECT text FROM log_text WHERE id = ?').get(id) as { text: Buffer };
    const first = text.indexOf(needle, 0, 'latin1');
    if (first < 0) return [];
    const row = this.#sql('SELECT ids, times FROM log_text WHERE id = ?').get(id) as { ids: Buffer; times: Buffer };
    const { from } = this.#batches.find((one) => one.id === batch) as Batch;
    const all = text.toString('latin1');
    const places: Place[] = [];
    let index = 0;
    let start = 0;
    for (let at = first; at >= 0; at = all.indexOf(needle, at)) {
      // the message that the hit lies in
      for (let end = all.indexOf(SEPARATOR, start); end < at; end = all.indexOf(SEPARATOR, start)) {
        index += 1;
        start = end + 1;
      }
      places.push({ id: from + row.ids.readUInt32LE(index * 4), ts: row.times.readDoubleLE(index * 8) });
      at = all.indexOf(SEPARATOR, at);
    }
    return places;
  }

  #blocksOf(appId: number | null, level: number, since: number, until: number): Block[] {
    return this.#sql(
      `SELECT id, batch, min_ts AS minTs, max_ts AS maxTs FROM log_text
       WHERE app_id IS ? AND level = ? AND min_ts <= ? AND max_ts >= ?`,
    ).all(appId, level, until, since) as Block[];
  }

  #make({ from, to }: IdRange): void {
    const groups = new Map<string, Gathering & { appId: number | null; level: number }>();
    const rows = this.#sql(
      'SELECT id, ts, level, app_id AS appId, message FROM server_logs NOT INDEXED WHERE id > ? AND id <= ? ORDER BY id',
    ).iterate(from, to) as Iterable<{ id: number; ts: number; level: number; appId: number | null; message: string }>;
    for (const { id, ts, level, appId, message } of rows) {
      const key = `${appId}/${level}`;
      let group = groups.get(key);
      if (group === undefined) {
        group = { appId, level, ids: [], times: [], texts: [], minTs: ts, maxTs: ts };
        groups.set(key, group);
      }
      group.ids.push(id - from);
      group.times.push(ts);
      group.texts.push(message);
      group.minTs = Math.min(group.minTs, ts);
      group.maxTs = Math.max(group.maxTs, ts);
    }
    const insert = this.#sql(
      'INSERT INTO log_text (batch, app_id, level, min_ts, max_ts, ids, times, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    let id = 0;
    this.#db.transaction(() => {
      id = Number(this.#sql('INSERT INTO log_batches (from_id, to_id) VALUES (?, ?)').run(from, to).lastInsertRowid);
      for (const { appId, level, ids, times, texts, minTs, maxTs } of groups.values()) {
        const bytes = (array: Uint32Array | Float64Array) => Buffer.from(array.buffer);
        insert.run(
          id,
          appId,
          level,
          minTs,
          maxTs,
          bytes(Uint32Array.from(ids)),
          bytes(Float64Array.from(times)),
          strungTogether(texts),
        );
      }
    })();
    const at = this.#batches.findIndex((batch) => batch.from >= to);
    this.#batches.splice(at < 0 ? this.#batches.length : at, 0, { id, from, to });
  }

  #batchOf(id: number): Batch | undefined {
    let low = 0;
    let high = this.#batches.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const batch = this.#batches[middle] as Batch;
      if (id <= batch.from) high = middle - 1;
      else if (id > batch.to) low = middle + 1;
      else return batch;
    }
    return undefined;
  }

  #sql(text: string): Statement<unknown[]> {
    let statement = this.#statements.get(text);
    if (statement === undefined) this.#statements.set(text, (statement = this.#db.prepare<unknown[]>(text)));
    return statement;
  }
}

/** ASCII letters in lower case, like SQLite's LIKE compares them. */
const fold = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** The messages, folded, each ended by the separator. */
function strungTogether(texts: readonly string[]): Buffer {
  const bytes = Buffer.from(`${texts.join(SEPARATOR)}${SEPARATOR}`, 'utf8');
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] as number;
    if (byte >= 0x41 && byte <= 0x5a) bytes[i] = byte + 0x20;
  }
  return bytes;
}
