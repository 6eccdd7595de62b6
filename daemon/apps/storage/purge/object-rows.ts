import type { Db } from '#daemon/platform/db/open.ts';
import { localKey } from '../local-key.ts';
import { ELSEWHERE_PROVIDER, LOCAL_PLACE, LOCAL_PROVIDER, PLACE_COLUMNS, type RecordedPlace } from '../location.ts';
import type { RowCursor } from './types.ts';

/** An object that a row of app.db names. */
interface NamedObject {
  key: string;
  place: RecordedPlace;
}

export interface RowPage {
  objects: NamedObject[];
  /** Rows whose list of segments cannot be read: their objects aren't known. */
  unreadable: string[];
  /** Recordings whose objects are in no storage of the app: their addresses, or their names where there is none. */
  elsewhere: string[];
  cursor: RowCursor;
}

type KeyRow = RecordedPlace & {
  id: number;
  key: string | null;
  second: string | null;
  local_path: string | null;
  address: string | null;
};
type SegmentRow = RecordedPlace & { position: number; key: unknown };

const PLACE = PLACE_COLUMNS.join(', ');
// CASE, because AND may look at the second half first, which fails on a text that is not a JSON
const VALID = `CASE WHEN json_valid(extra_json)
  THEN coalesce(json_type(extra_json, '$.segmentKeys'), 'null') IN ('array', 'null') ELSE 0 END`;
const FILLED = "extra_json IS NOT NULL AND extra_json <> ''";

/**
 * Reads the keys of all objects that the rows of an app name, page by page, so that a hundred thousand need no more memory
 * than a few. Reading continues from a cursor in a later process.
 */
export class ObjectRows {
  readonly #db: Db;
  readonly #appFolder: string;
  readonly #vodId: number | null;

  constructor(db: Db, appFolder: string, vodId?: number) {
    this.#db = db;
    this.#appFolder = appFolder;
    this.#vodId = vodId ?? null;
  }

  /** Objects named in all, those of unreadable rows not counted. */
  count(): number {
    const rows = this.#db.prepare<[{ vod: number | null }], number>(
      `SELECT (SELECT count(nullif(file_key, '')) + count(nullif(snapshot_key, '')) + count(nullif(local_path, '')) FROM vods WHERE @vod IS NULL OR id = @vod)
        + (SELECT count(nullif(file_key, '')) FROM vod_variants WHERE @vod IS NULL OR vod_id = @vod)
        + (SELECT coalesce(sum(CASE WHEN ${FILLED} THEN CASE WHEN ${VALID} THEN json_array_length(extra_json, '$.segmentKeys') END END), 0)
           FROM vod_variants WHERE @vod IS NULL OR vod_id = @vod)
        + (SELECT coalesce(sum(json_array_length(keys_json)), 0) FROM vod_moves WHERE @vod IS NULL OR vod_id = @vod)`,
    );
    return rows.pluck().get({ vod: this.#vodId }) ?? 0;
  }

  /** The next objects, about `size` of them; the last page's cursor has the source `end`. */
  page(from: RowCursor, size: number): RowPage {
    const page: RowPage = { objects: [], unreadable: [], elsewhere: [], cursor: { ...from } };
    while (page.cursor.source !== 'end' && page.objects.length < size) {
      const left = size - page.objects.length;
      if (page.cursor.source === 'moves') this.#moves(page);
      else if (page.cursor.source === 'segments') this.#segments(page, left);
      else this.#keys(page, left, page.cursor.source);
    }
    return page;
  }

  #keys(page: RowPage, limit: number, source: 'vods' | 'variants'): void {
    const sql =
      source === 'vods'
        ? `SELECT id, file_key AS key, snapshot_key AS second, local_path, CASE WHEN status <> 'failed' THEN coalesce(s3_url, name) ELSE s3_url END AS address, ${PLACE} FROM vods
           WHERE id > @id AND (@vod IS NULL OR id = @vod) ORDER BY id LIMIT @limit`
        : `SELECT vod_variants.id, vod_variants.file_key AS key, NULL AS second, NULL AS local_path, NULL AS address, ${PLACE}
           FROM vod_variants JOIN vods ON vods.id = vod_variants.vod_id
           WHERE vod_variants.id > @id AND (@vod IS NULL OR vod_id = @vod) ORDER BY vod_variants.id LIMIT @limit`;
    const rows = this.#db.prepare<[object], KeyRow>(sql).all({ id: page.cursor.id, vod: this.#vodId, limit });
    for (const { id, key, second, local_path, address, ...place } of rows) {
      if (address !== null && place.storage_provider === ELSEWHERE_PROVIDER) page.elsewhere.push(address);
      if (local_path) this.#name(page, local_path, LOCAL_PLACE);
      // rows of recordings without a bucket name their pictures by paths of the machine
      const of = place.storage_bucket === null && local_path ? LOCAL_PLACE : place;
      if (key) this.#name(page, key, of);
      if (second) this.#name(page, second, of);
      page.cursor.id = id;
    }
    if (rows.length < limit) page.cursor = { source: source === 'vods' ? 'variants' : 'segments', id: 0, position: -1 };
  }

  #name(page: RowPage, key: string, place: RecordedPlace): void {
    if (place.storage_provider === ELSEWHERE_PROVIDER) return;
    if (place.storage_provider !== LOCAL_PROVIDER) page.objects.push({ key, place });
    else {
      // a file that LiveKit put elsewhere isn't ours to delete
      const local = localKey(this.#appFolder, key);
      if (local !== null) page.objects.push({ key: local, place });
    }
  }

  /** Leftovers of a move between the app's folder and a storage, one VOD at a time. */
  #moves(page: RowPage): void {
    const row = this.#db
      .prepare<[object], RecordedPlace & { id: number; keys: string }>(
        `SELECT vod_id AS id, keys_json AS keys, ${PLACE} FROM vod_moves
         WHERE vod_id > @id AND (@vod IS NULL OR vod_id = @vod) ORDER BY vod_id LIMIT 1`,
      )
      .get({ id: page.cursor.id, vod: this.#vodId });
    if (row === undefined) {
      page.cursor = { source: 'end', id: 0, position: -1 };
      return;
    }
    const { id, keys, ...place } = row;
    for (const key of JSON.parse(keys) as string[]) this.#name(page, key, place);
    page.cursor.id = id;
  }

  #segments(page: RowPage, limit: number): void {
    const { cursor } = page;
    // a position is kept while the list of row `id` is not read to its end
    const row = this.#db
      .prepare<[object], RecordedPlace & { id: number; readable: 0 | 1 }>(
        `SELECT vod_variants.id, ${PLACE}, ${VALID} AS readable FROM vod_variants JOIN vods ON vods.id = vod_variants.vod_id
         WHERE vod_variants.id >= @id AND ${FILLED} AND (@vod IS NULL OR vod_id = @vod) ORDER BY vod_variants.id LIMIT 1`,
      )
      .get({ id: cursor.id, vod: this.#vodId });
    if (row === undefined) {
      page.cursor = { source: 'moves', id: 0, position: -1 };
      return;
    }
    const { id, readable, ...place } = row;
    const position = id === cursor.id ? cursor.position : -1;
    if (!readable) {
      page.unreadable.push(`vod_variants/${id}/extra_json`);
      page.cursor = { source: 'segments', id: id + 1, position: -1 };
      return;
    }
    const segments = this.#db
      .prepare<[object], SegmentRow>(
        `SELECT each.key AS position, each.value AS key FROM vod_variants, json_each(extra_json, '$.segmentKeys') AS each
         WHERE vod_variants.id = @id AND each.key > @position ORDER BY each.key LIMIT @limit`,
      )
      .all({ id, position, limit });
    for (const segment of segments) {
      if (typeof segment.key === 'string' && segment.key !== '') this.#name(page, segment.key, place);
    }
    const last = segments.at(-1);
    const isRest = segments.length < limit || last === undefined;
    page.cursor = isRest
      ? { source: 'segments', id: id + 1, position: -1 }
      : { source: 'segments', id, position: last.position };
  }
}
