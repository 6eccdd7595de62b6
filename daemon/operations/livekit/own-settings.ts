import type { Db } from '#daemon/platform/db/open.ts';
import { matchesEtag } from '#daemon/platform/http/etag.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import { ApiError } from '#shared/errors.ts';
import { checkLivekitSettings } from '#shared/livekit-settings.ts';
import type { LivekitRevision } from '#shared/schema/livekit.ts';

/** Older revisions are forgotten. */
const KEPT = 50;

/** LiveKit's own settings: each change is a revision that can be brought back. */
export class OwnSettings {
  readonly #insert;
  readonly #list;
  readonly #one;
  readonly #forget;
  #latest: LivekitRevision | undefined;
  #value: Record<string, unknown> = {};

  constructor(db: Db) {
    const columns = 'revision, text, changed_at AS changedAt, changed_by AS changedBy';
    this.#insert = db.prepare<[number, string, string, string]>('INSERT INTO livekit_settings VALUES (?, ?, ?, ?)');
    this.#list = db.prepare<[number], LivekitRevision>(
      `SELECT ${columns} FROM livekit_settings WHERE revision > ? ORDER BY revision DESC`,
    );
    this.#one = db.prepare<[number], LivekitRevision>(`SELECT ${columns} FROM livekit_settings WHERE revision = ?`);
    this.#forget = db.prepare<[number]>('DELETE FROM livekit_settings WHERE revision <= ?');
    this.#adopt(this.#list.all(0)[0]);
  }

  get latest(): LivekitRevision | undefined {
    return this.#latest;
  }

  /** As plain data; empty when the stored text isn't valid any more. */
  get value(): Record<string, unknown> {
    return this.#value;
  }

  get etag(): string {
    return `"livekit-${this.#latest?.revision ?? 0}"`;
  }

  /** Newest first. */
  list(): LivekitRevision[] {
    return this.#list.all((this.#latest?.revision ?? 0) - KEPT);
  }

  /** @throws ApiError LIVEKIT_REVISION_UNKNOWN */
  require(revision: number): LivekitRevision {
    const found = this.#one.get(revision);
    if (found === undefined) throw new ApiError('LIVEKIT_REVISION_UNKNOWN', { revision });
    return found;
  }

  /** Stores a text as the newest revision. @throws ApiError VALIDATION_FAILED, PRECONDITION_FAILED */
  save(text: string, actor: Actor, ifMatch: string | undefined): void {
    this.check(text, ifMatch);
    if (text === (this.#latest?.text ?? '')) return;
    const revision = (this.#latest?.revision ?? 0) + 1;
    this.#insert.run(revision, text, new Date().toISOString(), actor.label ?? actor.id);
    this.#forget.run(revision - KEPT);
    this.#adopt(this.#one.get(revision));
  }

  /** Whether a text could be stored. @throws ApiError VALIDATION_FAILED, PRECONDITION_FAILED */
  check(text: string, ifMatch?: string): void {
    if (ifMatch !== undefined && !matchesEtag(ifMatch, this.etag))
      throw new ApiError('PRECONDITION_FAILED', { what: 'LiveKit’s settings' }, { headers: { etag: this.etag } });
    const details = checkLivekitSettings(text).findings.map(({ line, message }) => ({
      path: 'body.text',
      message: line === null ? message : `line ${line}: ${message}`,
    }));
    const [first] = details;
    if (first !== undefined)
      throw new ApiError('VALIDATION_FAILED', { reason: `${first.path} ${first.message}` }, { details });
  }

  #adopt(latest: LivekitRevision | undefined): void {
    this.#latest = latest;
    const { value, findings } = checkLivekitSettings(latest?.text ?? '');
    this.#value = findings.length === 0 ? value : {};
  }
}
