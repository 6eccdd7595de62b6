import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { ifMissing } from '#daemon/platform/files/file-errors.ts';
import type { InstallationWarnings } from '#daemon/platform/warnings.ts';
import { ApiError } from '#shared/errors.ts';
import { writeAtomically } from '#shared/files/atomic-file.ts';
import type { RollbackPoint } from '#shared/schema/declared.ts';
import type { Change } from './kind.ts';
import { type Fields, fromStored, toStored } from './values.ts';

const KEPT = 20;
const INTERRUPTED = 'APPLY_INTERRUPTED';
const HEAD = /^([1-9]\d{0,8})\.json$/;

/** What a roll-back needs beside the state before, by kind and key of the object. */
type Notes = Record<string, Readonly<Record<string, string>>>;
interface Head extends RollbackPoint {
  notes: Notes;
}

/** One object as it was; null = it didn’t exist. */
export interface Earlier {
  kind: string;
  key: string;
  before: Fields | null;
  note: Readonly<Record<string, string>> | undefined;
}

/** Names an object among those of all kinds. */
const idOf = (kind: string, key: string): string => `${kind} ${key}`;

/**
 * What applies changed, as it was before them: `<id>.json` tells what an apply did, `<id>.before.json` has the objects
 * with their secrets, so both have mode 600.
 */
export class RollbackPoints {
  readonly #folder: string;
  readonly #warnings: InstallationWarnings;

  constructor(folder: string, warnings: InstallationWarnings) {
    this.#folder = folder;
    this.#warnings = warnings;
  }

  /** Notes which apply the end of the last run interrupted. */
  async start(): Promise<void> {
    const [newest] = await this.#ids();
    if (newest === undefined) return;
    const head = await this.#head(newest);
    if (head?.state === 'applying') await this.#write({ ...head, state: 'interrupted' });
    if (head?.state === 'applying' || head?.state === 'interrupted')
      this.#warnings.add(
        INTERRUPTED,
        String(newest),
        `The daemon ended while it applied a configuration. Apply roll-back point ${newest} to go back (streamhub apply --rollback ${newest}), or apply the folder again.`,
      );
  }

  /** Newest first. */
  async list(): Promise<RollbackPoint[]> {
    const heads = await Promise.all((await this.#ids()).map((id) => this.#head(id)));
    return heads.flatMap((head) => {
      if (head === undefined) return [];
      const { notes: _, ...point } = head;
      return [point];
    });
  }

  /** @throws ApiError ROLLBACK_POINT_UNKNOWN */
  async read(id: number): Promise<Earlier[]> {
    const head = await this.#head(id);
    const text = await readFile(this.#file(id, '.before'), 'utf8').catch(ifMissing(undefined));
    if (head === undefined || text === undefined) throw new ApiError('ROLLBACK_POINT_UNKNOWN', { id });
    const stored = JSON.parse(text) as { kind: string; key: string; before: unknown }[];
    return stored.map(({ kind, key, before }) => ({
      kind,
      key,
      before: before === null ? null : (fromStored(before) as Fields),
      note: head.notes[idOf(kind, key)],
    }));
  }

  /** Stores what is about to change. */
  async begin(changes: readonly Change[], createdBy: string): Promise<OpenPoint> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const ids = await this.#ids();
    const id = (ids[0] ?? 0) + 1;
    const before = changes.map(({ kind, key, before }) => ({
      kind: kind.id,
      key,
      before: before === null ? null : toStored(before),
    }));
    await writeAtomically(this.#file(id, '.before'), JSON.stringify(before), { mode: 0o600 });
    const head: Head = {
      id,
      createdAt: new Date().toISOString(),
      createdBy,
      state: 'applying',
      changes: changes.map(({ action, kind, key }) => ({ action, kind: kind.id, name: key })),
      notes: {},
    };
    await this.#write(head);
    for (const old of ids.slice(KEPT - 1)) await this.#remove(old);
    return {
      id,
      note: async ({ kind, key }, note) => {
        head.notes[idOf(kind.id, key)] = note;
        await this.#write(head);
      },
      end: async (state) => {
        await this.#write({ ...head, state });
        if (state === 'applied') for (const old of ids) this.#warnings.remove(INTERRUPTED, String(old));
      },
    };
  }

  async #ids(): Promise<number[]> {
    const names = await readdir(this.#folder).catch(ifMissing([] as string[]));
    return names
      .flatMap((name) => HEAD.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a);
  }

  async #head(id: number): Promise<Head | undefined> {
    const text = await readFile(this.#file(id), 'utf8').catch(ifMissing(undefined));
    return text === undefined ? undefined : (JSON.parse(text) as Head);
  }

  #write(head: Head): Promise<void> {
    return writeAtomically(this.#file(head.id), JSON.stringify(head), { mode: 0o600 });
  }

  async #remove(id: number): Promise<void> {
    await rm(this.#file(id), { force: true });
    await rm(this.#file(id, '.before'), { force: true });
  }

  #file(id: number, part = ''): string {
    return path.join(this.#folder, `${id}${part}.json`);
  }
}

/** The point of an apply under way. */
export interface OpenPoint {
  id: number;
  note(change: Change, note: Record<string, string>): Promise<void>;
  end(state: 'applied' | 'stopped'): Promise<void>;
}
