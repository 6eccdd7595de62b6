import { isDamage, openDatabase } from '#daemon/platform/db/open.ts';

export interface FindOwnerInput {
  /** Database of the app that is restored. */
  database: string;
  /** The apps that are there. `isNamesake`: it has the name that the app had. */
  others: { name: string; database: string; isNamesake: boolean }[];
}

// only tables and columns that every version has; a copy has no ingests, and its objects in buckets are elsewhere
const SHARES = `SELECT
  EXISTS (SELECT 1 FROM restored.vods AS r JOIN main.vods AS o ON o.egress_id = r.egress_id
    WHERE coalesce(o.storage_provider, '') NOT IN ('local', 'elsewhere'))
  OR EXISTS (SELECT 1 FROM restored.ingress_auth AS r JOIN main.ingress_auth AS o ON o.ingress_id = r.ingress_id)
  OR (? AND EXISTS (SELECT 1 FROM restored.streams AS r JOIN main.streams AS o ON o.stream_id = r.stream_id))`;

/** The app that has the objects and ingests of a restored one already; null = none. */
export default async function findOwner({ database, others }: FindOwnerInput): Promise<string | null> {
  for (const { name, database: file, isNamesake } of others) {
    try {
      const db = openDatabase(file, { readonly: true, mustExist: true, busyMs: 5000 });
      try {
        db.prepare('ATTACH ? AS restored').run(database);
        if (db.prepare<[number], number>(SHARES).pluck().get(Number(isNamesake)) === 1) return name;
      } finally {
        db.close();
      }
    } catch (error) {
      // a missing or damaged database has nothing that could be told
      if (!isDamage(error) && !/^SQLITE_CANTOPEN/.test(String((error as { code?: string }).code))) throw error;
    }
  }
  return null;
}
