import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { ifMissing } from '#daemon/platform/files/file-errors.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { ApiError } from '#shared/errors.ts';
import { writeAtomically } from '#shared/files/atomic-file.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import type { DoneChange, RollbackPoint } from '#shared/schema/declared.ts';
import type { Change } from './kind.ts';
import { type Fields, fromStored, toStored } from './values.ts';

const KEPT = 20;
const HEAD = /^([1-9]\d{0,8})\.json$/;
type Part = '' | '.before' | '.after' | '.notes';
const PARTS: readonly Part[] = ['.before', '.after', '.notes', ''];

/** What a roll-back, or a later process, needs beside the state before, by kind and key of the object. */
type Notes = Record<string, Readonly<Record<string, string>>>;
export type PointState = RollbackPoint['state'];

/** What is kept of an apply. */
export interface Head extends Omit<RollbackPoint, 'made' | 'answer'> {
  /** How many of the changes were made, once it has ended; points of earlier versions lack it. */
  made?: number;
  /** Of points of earlier versions. */
  notes?: Notes;
}

/** One object as it was; null = it didn’t exist. */
export interface Earlier {
  kind: string;
  key: string;
  before: Fields | null;
  note: Readonly<Record<string, string>> | undefined;
}

/** One change of an apply that has not ended. */
export interface StoredChange extends Earlier, Pick<Change, 'action' | 'ref'> {
  after: Fields | null;
}

/** Names an object among those of all kinds. */
const idOf = (kind: string, key: string): string => `${kind} ${key}`;

const stored = (fields: Fields | null): unknown => (fields === null ? null : toStored(fields));
const restored = (fields: unknown): Fields | null => (fields === null ? null : (fromStored(fields) as Fields));

/**
 * What applies changed, as it was before them: `<id>.json` tells what an apply did, `<id>.before.json` has the objects
 * with their secrets. Until the apply has ended, `<id>.after.json` has the objects as they are to be. All have mode 600.
 */
export class RollbackPoints {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Newest first. */
  async list(): Promise<Head[]> {
    const heads = await Promise.all((await this.#ids()).map((id) => this.head(id)));
    return heads.filter((head) => head !== undefined);
  }

  async head(id: number): Promise<Head | undefined> {
    return this.#read<Head>(id, '');
  }

  /** What a roll-back needs. @throws ApiError ROLLBACK_POINT_UNKNOWN */
  async read(id: number): Promise<Earlier[]> {
    const head = await this.head(id);
    const before = await this.#read<Earlier[]>(id, '.before');
    if (head === undefined || before === undefined) throw new ApiError('ROLLBACK_POINT_UNKNOWN', { id });
    const notes = { ...head.notes, ...(await this.#read<Notes>(id, '.notes')) };
    return before.map((one) => ({
      kind: one.kind,
      key: one.key,
      before: restored(one.before),
      note: notes[idOf(one.kind, one.key)],
    }));
  }

  /** What an apply was to do, and for whom; undefined once it has ended. */
  async journal(id: number): Promise<{ principal: Principal; changes: StoredChange[] } | undefined> {
    const text = await this.#read<{ principal: Principal; changes: StoredChange[] }>(id, '.after');
    if (text === undefined) return undefined;
    const earlier = await this.read(id);
    const changes = text.changes.map(({ action, ref, after }, index) => ({
      ...(earlier[index] as Earlier),
      action,
      ref,
      after: restored(after),
    }));
    return { principal: text.principal, changes };
  }

  /** Stores what is about to change. */
  async begin(
    changes: readonly Change[],
    { principal, createdBy }: { principal: Principal; createdBy: string },
  ): Promise<number> {
    await makeFolder(this.#folder);
    const ids = await this.#ids();
    const id = (ids[0] ?? 0) + 1;
    const before = changes.map(({ kind, key, before }) => ({ kind: kind.id, key, before: stored(before) }));
    const after = changes.map(({ action, ref, after }) => ({ action, ref, after: stored(after) }));
    const notes = Object.fromEntries(
      changes.flatMap(({ kind, key, note }) => (note === undefined ? [] : [[idOf(kind.id, key), note]])),
    );
    try {
      await this.#write(id, '.before', before);
      await this.#write(id, '.after', { principal, changes: after });
      if (Object.keys(notes).length > 0) await this.#write(id, '.notes', notes);
      const named = changes.map(({ action, kind, key }): DoneChange => ({ action, kind: kind.id, name: key }));
      const createdAt = new Date().toISOString();
      const head: Head = { id, createdAt, createdBy, state: 'applying', job: null, changes: named };
      await this.#write(id, '', head);
    } catch (error) {
      await this.remove(id);
      throw error;
    }
    for (const old of ids.slice(KEPT - 1)) await this.remove(old);
    return id;
  }

  /** Changes the head. */
  async update(id: number, change: Partial<Head>): Promise<void> {
    const head = await this.head(id);
    if (head !== undefined) await this.#write(id, '', { ...head, ...change });
  }

  async note(id: number, { kind, key }: Change, note: Record<string, string>): Promise<void> {
    const notes = (await this.#read<Notes>(id, '.notes')) ?? {};
    await this.#write(id, '.notes', { ...notes, [idOf(kind.id, key)]: note });
  }

  /** Ends an apply: what it was to do is forgotten, what was before is kept. */
  async end(id: number, state: PointState, made: number): Promise<void> {
    await this.update(id, { state, made });
    await this.forget(id);
  }

  /** Forgets what an apply was to do. */
  async forget(id: number): Promise<void> {
    await rm(this.#file(id, '.after'), { force: true });
  }

  async remove(id: number): Promise<void> {
    for (const part of PARTS) await rm(this.#file(id, part), { force: true });
  }

  async #ids(): Promise<number[]> {
    const names = await readdir(this.#folder).catch(ifMissing([] as string[]));
    return names
      .flatMap((name) => HEAD.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a);
  }

  async #read<T>(id: number, part: Part): Promise<T | undefined> {
    const text = await readFile(this.#file(id, part), 'utf8').catch(ifMissing(undefined));
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  #write(id: number, part: Part, content: unknown): Promise<void> {
    return writeAtomically(this.#file(id, part), JSON.stringify(content), { mode: 0o600 });
  }

  #file(id: number, part: Part): string {
    return path.join(this.#folder, `${id}${part}.json`);
  }
}
