import path from 'node:path';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { ELSEWHERE_PROVIDER, recordedPlace } from '#daemon/apps/storage/location.ts';
import type { StorageService } from '#daemon/apps/storage/service.ts';
import type { Background } from '#daemon/platform/background.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import type { Log } from '#daemon/platform/log.ts';
import { findProgram } from '#daemon/platform/programs.ts';
import { iso } from '#shared/instants.ts';
import type { MediaStore, RowChange } from '../media-store.ts';
import { type VodRecord, vodRepository } from './repository.ts';
import type { MediaInspectInput, MediaInspectOutput } from './tasks/media-inspect.ts';
import { MEDIA_INSPECT } from './tasks.ts';
import { isUnrecovered, measureVod, recoverVod } from './vod-facts.ts';
import { fileOf } from './vod-file.ts';
import { failVod, tellReady } from './vod-lifecycle.ts';

/** An older one will hardly be read any more. */
const UNREAD_MS = 7 * 86_400_000;
/** Receivers wait at most this long for the length from the file. */
const TOLD_WITHIN_MS = 30_000;
/** Waits before a storage that could not be asked is asked again. */
const AGAIN_MS = [10_000, 60_000, 600_000] as const;

/** Nothing is known of what there is. */
const AWAY: MediaInspectOutput = { facts: undefined, segments: undefined, prefix: '', pictures: null, isAway: true };

export interface InspectorDeps {
  storage: Pick<StorageService, 'run'>;
  mediaStore: MediaStore;
  databases: AppDatabases;
  apps: { get(name: string): AppEntry | undefined; entries(): Iterable<AppEntry> };
  background: Background;
  /** Recordings that are older than some days are not read any more. */
  retentionNow(): number;
  log: Log<'warn'>;
}

/** Reads recordings themselves: LiveKit reports wrong lengths, and nothing about lost recordings. */
export class RecordingInspector {
  readonly #deps: InspectorDeps;
  readonly #waiting = new Set<() => void>();
  /** By app and row. */
  readonly #recovering = new Map<string, Promise<void>>();
  #isStopped = false;

  constructor(deps: InspectorDeps) {
    this.#deps = deps;
  }

  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#waiting) cancel();
    this.#waiting.clear();
  }

  /** After rows changed: reads finished recordings, and then tells receivers that they are ready. */
  async follow(app: AppEntry, changes: readonly RowChange[]): Promise<void> {
    await Promise.all(
      changes.map(async (change) => {
        if (change.kind === 'recording_finished') await this.#finish(app.name, change.vod.id);
        else if (change.kind === 'recording_broken') await this.recover(app, change.vod, change.reason);
      }),
    );
  }

  /** Tells receivers of recordings that ended before the daemon started. The start does not wait for this. */
  start(): void {
    const { apps, databases, background } = this.#deps;
    background.run('notices of ready recordings', async () => {
      for (const { name } of [...apps.entries()]) {
        // a start with many apps must not keep requests waiting
        await new Promise((resolve) => setImmediate(resolve));
        if (this.#isStopped) return;
        try {
          for (const id of vodRepository(databases.get(name)).untold()) await this.#finish(name, id);
        } catch (err) {
          this.#deps.log.warn({ app: name, err }, 'receivers could not be told of finished recordings');
        }
      }
    });
  }

  /** Reads recordings that ended before the daemon started. */
  async resume(app: AppEntry): Promise<void> {
    const { databases, retentionNow } = this.#deps;
    for (const id of unreadIn(databases.get(app.name), retentionNow)) await this.#measure(app.name, id, 0);
    const since = iso(retentionNow() - UNREAD_MS);
    for (const id of vodRepository(databases.get(app.name)).unrecovered(since))
      await this.#recoverAgain(app.name, id, 0);
  }

  /**
   * Ends a recording whose recorder is gone or has failed: what it left in the storage decides how. A playlist makes it playable
   * but for its end, pictures belong to it. While the storage is away it counts as failed.
   */
  recover(app: AppEntry, vod: VodRecord, reason: string, tries = 0): Promise<void> {
    const id = `${app.name} ${vod.id}`;
    // LiveKit's list and its event tell the same
    const running = this.#recovering.get(id) ?? this.#recover(app, vod, reason, tries);
    this.#recovering.set(id, running);
    return running.finally(() => this.#recovering.delete(id));
  }

  async #recover(app: AppEntry, vod: VodRecord, reason: string, tries: number): Promise<void> {
    const found = await this.#left(app.name, vod);
    await this.#deps.mediaStore.change(app, ({ db, note, now }) =>
      note(found === undefined ? failVod(db, vod.id, reason, now) : recoverVod(db, vod.id, found, reason, now)),
    );
    if (found?.isAway) this.#later(tries, () => this.#recoverAgain(app.name, vod.id, tries + 1));
  }

  async #recoverAgain(name: string, id: number, tries: number): Promise<void> {
    const app = this.#deps.apps.get(name);
    if (app === undefined || app.deleting || this.#isStopped) return;
    const vod = vodRepository(this.#deps.databases.get(name)).get(id);
    if (vod !== undefined && isUnrecovered(vod)) await this.recover(app, vod, vod.error ?? '', tries);
  }

  async #left(app: string, vod: VodRecord): Promise<MediaInspectOutput | undefined> {
    const key = vod.format === 'hls' ? fileOf(vod, () => []) : null;
    if (key === null && vod.snapshot_prefix === null) return undefined;
    const prefixes = servicePrefixes(this.#deps.databases.get(app), vod);
    return (await this.#inspect(app, vod, { key, pictures: vod.snapshot_prefix, isLost: true, prefixes })) ?? AWAY;
  }

  /** Tells receivers that it is ready: with the length from the file, or LiveKit's if reading takes too long. */
  async #finish(name: string, id: number): Promise<void> {
    const isLate = this.#deps.background.after('recordings that are ready', TOLD_WITHIN_MS, () => this.#tell(name, id));
    this.#waiting.add(isLate);
    try {
      await this.#measure(name, id, 0);
    } finally {
      isLate();
      this.#waiting.delete(isLate);
    }
    await this.#tell(name, id);
  }

  async #tell(name: string, id: number): Promise<void> {
    const app = this.#deps.apps.get(name);
    if (app === undefined || app.deleting || this.#isStopped) return;
    await this.#deps.mediaStore.change(app, ({ db, note }) => note(tellReady(db, id)));
  }

  async #measure(name: string, id: number, tries: number): Promise<void> {
    const app = this.#deps.apps.get(name);
    if (app === undefined || app.deleting || this.#isStopped) return;
    const vods = vodRepository(this.#deps.databases.get(name));
    const vod = vods.get(id);
    if (vod?.status !== 'ready' || vod.storage_provider === ELSEWHERE_PROVIDER) return;
    const key = fileOf(vod, () => vods.variants(id));
    if (key === null) return;
    const output = await this.#inspect(name, vod, { key, pictures: null, isLost: false, prefixes: [] });
    if (output === undefined || output.isAway) return this.#later(tries, () => this.#measure(name, id, tries + 1));
    await this.#deps.mediaStore.change(app, ({ db, note, now }) => note(measureVod(db, id, output, now)));
  }

  /** The storage could not be asked: later it may. */
  #later(tries: number, work: () => Promise<void>): void {
    const wait = AGAIN_MS[tries];
    if (wait === undefined) return;
    const cancel = this.#deps.background.after('inspection of recordings', wait, () => {
      this.#waiting.delete(cancel);
      return work();
    });
    this.#waiting.add(cancel);
  }

  async #inspect(
    app: string,
    vod: VodRecord,
    what: Pick<MediaInspectInput, 'key' | 'pictures' | 'isLost' | 'prefixes'>,
  ): Promise<MediaInspectOutput | undefined> {
    const { storage, log } = this.#deps;
    try {
      const ffprobe = await findProgram('ffprobe');
      return await storage.run<MediaInspectInput, MediaInspectOutput>(app, recordedPlace(vod), MEDIA_INSPECT, {
        ...what,
        ffprobe,
      });
    } catch (err) {
      if (!this.#isStopped) log.warn({ app, vod: vod.id, err }, 'a recording could not be read');
      return undefined;
    }
  }
}

/** Prefixes of egress services' own, by where recordings in the same bucket are compared with where this one should be. */
export function servicePrefixes(db: Db, vod: VodRecord): string[] {
  if (vod.file_key === null) return [];
  const asked = folderOf(vod.file_key, vod.name);
  const folders = vodRepository(db)
    .placesIn(vod.storage_bucket)
    .map(({ key, name }) => folderOf(key, name));
  const own = folders.filter((folder) => folder !== asked && folder.endsWith(`/${asked}`));
  return [...new Set(own.map((folder) => folder.slice(0, folder.length - asked.length)))];
}

/** The folder of recordings that one is in, with a slash at its end; one in segments has a folder in it. */
function folderOf(key: string, name: string): string {
  const base = path.posix.parse(name).name;
  const file = key.endsWith(`${base}/${name}`) ? `${base}/${name}` : name;
  return key.slice(0, key.length - file.length);
}

/** Recordings of the last days that ended, and were not read before the daemon stopped. */
export const unreadIn = (db: Db, retentionNow: () => number): number[] =>
  vodRepository(db).unmeasured(iso(retentionNow() - UNREAD_MS));
