import type { Db } from './open.ts';

/** Statements of a repository, prepared once for each open database; they go with its handle. */
export function prepared<S>(prepare: (db: Db) => S): (db: Db) => S {
  const known = new WeakMap<Db, S>();
  return (db) => {
    let statements = known.get(db);
    if (statements === undefined) known.set(db, (statements = prepare(db)));
    return statements;
  };
}
