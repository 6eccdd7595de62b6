import type { Db } from '../../db/open.ts';

interface KeyRow {
  request: Buffer;
  request_id: string;
  created_at: number;
  /** Encrypted; null while the request runs, or after a stop of the daemon during it. */
  answer: Buffer | null;
}

export type IdempotencyRepository = ReturnType<typeof idempotencyRepository>;

/**
 * SQL of the table `idempotency_keys`.
 * @param db a connection whose commits don't wait for the disk: they are in the same log as those of what is created
 */
export function idempotencyRepository(db: Db) {
  const find = db.prepare('SELECT request, request_id, created_at, answer FROM idempotency_keys WHERE id = ?');
  const insert = db.prepare(
    'INSERT INTO idempotency_keys (id, caller, request, request_id, created_at) VALUES (?, ?, ?, ?, ?)',
  );
  const answer = db.prepare('UPDATE idempotency_keys SET answer = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM idempotency_keys WHERE id = ?');
  const prune = db.prepare('DELETE FROM idempotency_keys WHERE created_at < ?');
  const count = db.prepare('SELECT count(*) FROM idempotency_keys').pluck();
  const ofCaller = db.prepare(
    'SELECT count(*) AS count, min(created_at) AS oldest FROM idempotency_keys WHERE caller = ?',
  );
  const oldest = db.prepare('SELECT min(created_at) FROM idempotency_keys').pluck();
  return {
    find: (id: Buffer) => find.get(id) as KeyRow | undefined,
    insert: (id: Buffer, caller: string, request: Buffer, requestId: string, now: number) =>
      void insert.run(id, caller, request, requestId, now),
    answer: (id: Buffer, text: Buffer) => void answer.run(text, id),
    /** @returns how many there were */
    remove: (id: Buffer) => remove.run(id).changes,
    /** @returns how many were older */
    prune: (before: number) => prune.run(before).changes,
    count: () => count.get() as number,
    ofCaller: (caller: string) => ofCaller.get(caller) as { count: number; oldest: number },
    oldest: () => oldest.get() as number | null,
  };
}
